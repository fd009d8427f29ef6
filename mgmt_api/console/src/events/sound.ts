// Two short tones every three seconds. Browsers allow sound only after a press on the page.

import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let context: AudioContext | null = null;

/** Call it from a press. */
export function allowSound(): void {
  if (context === null) {
    context = new AudioContext();
    context.onstatechange = () => listeners.forEach((listener) => listener());
  }
  void context.resume();
}

/** The first press on a page that was loaded anew lets it sound again. */
export function allowAtPress(): () => void {
  const presses = ["click", "keydown"] as const;
  for (const press of presses) addEventListener(press, allowSound);
  return () => {
    for (const press of presses) removeEventListener(press, allowSound);
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether the browser lets this page sound by now. */
export const useAudible = () => useSyncExternalStore(subscribe, () => context?.state === "running");

function tone(audio: AudioContext, frequency_hz: number, after_s: number): void {
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  const start = audio.currentTime + after_s;
  oscillator.frequency.value = frequency_hz;
  gain.gain.setValueAtTime(0.12, start);
  gain.gain.exponentialRampToValueAtTime(0.001, start + 0.22);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.25);
}

/** Sounds until the answer is called. */
export function beepWhile(): () => void {
  const beep = () => {
    if (context?.state !== "running") return;
    tone(context, 880, 0);
    tone(context, 660, 0.25);
  };
  beep();
  const id = setInterval(beep, 3000);
  return () => clearInterval(id);
}
