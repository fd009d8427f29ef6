// Two short tones every three seconds. Browsers allow sound only after a press, so the guard turns it on.

let context: AudioContext | null = null;

/** Call it from a press. */
export function allowSound(): void {
  context ??= new AudioContext();
  void context.resume();
}

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
