// What this browser prefers: the language, the theme and the sound of alarms. Chinese, dark and silent until somebody chooses otherwise.

import i18next from "i18next";
import { useSyncExternalStore } from "react";

import { LANGUAGES, type Language } from "../text/i18n";

export interface Preferences {
  language: Language;
  theme: "dark" | "light";
  sound: boolean;
}

const KEY = "menjin.preferences";

function stored(): Preferences {
  let known: Partial<Preferences> = {};
  try {
    known = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>;
  } catch {
    // Storage is closed or holds something else: the defaults serve.
  }
  return {
    language: LANGUAGES.find((language) => language === known.language) ?? "zh-CN",
    theme: known.theme === "light" ? "light" : "dark",
    sound: known.sound === true,
  };
}

let current = stored();
const listeners = new Set<() => void>();

function show({ language, theme }: Preferences): void {
  document.documentElement.lang = language;
  document.documentElement.dataset.theme = theme;
}
show(current);

export const preferences = () => current;

export function prefer(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  show(current);
  void i18next.changeLanguage(current.language);
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Not kept for the next time; it holds for this page.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const usePreferences = () => useSyncExternalStore(subscribe, preferences);
