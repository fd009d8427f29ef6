// The quiet page around login and password change.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { FALLBACK_SITE, site } from "../api/calls";
import { inLanguage } from "../text/i18n";
import { Mark } from "./Mark";
import { Switches } from "./Switches";

export function Entrance({ title, children, known }: { title: string; children: ReactNode; known: boolean }) {
  const { t, i18n } = useTranslation();
  const { data } = useQuery({ queryKey: ["site"], queryFn: site, enabled: known, retry: false });
  const name = inLanguage((data ?? FALLBACK_SITE).name, i18n.language, t("app"));
  return (
    <div className="entrance">
      <header>
        <Switches />
      </header>
      <main className="entrance-card">
        <div className="entrance-brand">
          <Mark size={44} />
          <span>{name}</span>
        </div>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}
