// The two languages. Both catalogues are in the bundle, so a switch needs neither a reload nor the network.

import i18next, { type TFunction } from "i18next";
import { initReactI18next } from "react-i18next";

import type { Label } from "../api/types";
import en from "./en-US.json";
import zh from "./zh-CN.json";

export const LANGUAGES = ["zh-CN", "en-US"] as const;
export type Language = (typeof LANGUAGES)[number];

export function startLanguages(language: Language): void {
  void i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: "zh-CN",
    supportedLngs: LANGUAGES,
    resources: { "zh-CN": { translation: zh }, "en-US": { translation: en } },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
    initAsync: false,
  });
}

/** The text of a word that the server chose, e.g. a deny reason; an unknown word stands as it came. */
export function named(t: TFunction, group: keyof typeof zh, word: string): string {
  const key = `${group}.${word}`;
  return i18next.exists(key) ? t(key) : word;
}

/** A label in the page's language. */
export function inLanguage(label: Label | string | null | undefined, language: string, fallback: string): string {
  if (label === null || label === undefined) return fallback;
  if (typeof label === "string") return label || fallback;
  return (language.startsWith("zh") ? label.zh || label.en : label.en || label.zh) || fallback;
}
