// What went wrong, in the page's language.

import type { TFunction } from "i18next";

import { Problem, Unanswered } from "../api/http";
import { named } from "../text/i18n";

export function problemText(t: TFunction, error: unknown): string {
  if (error instanceof Unanswered) return t("problem.unanswered");
  if (!(error instanceof Problem)) return t("problem.unreachable");
  const words = named(t, "problem", error.slug);
  return error.slug !== "" && words !== error.slug ? words : t("problem.other", { detail: error.message });
}
