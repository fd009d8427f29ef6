// Where a resident may go now, by all of his credentials, and why not through another door.

import { useQuery } from "@tanstack/react-query";
import { Button, Select } from "antd";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { explainDoor, whereCan, whereCanCsv, type Held, type Resident } from "../api/rights";
import { problemText } from "../frame/problem_text";
import { useFeed } from "../live/store";
import { inLanguage } from "../text/i18n";
import { credentialName } from "./credential_name";
import { Why, type Question } from "./Why";

/** Each credential has an answer of its own: one that is stopped says nothing of the others. */
const questionOf = (t: TFunction, door: string, credential: Held): Question => ({
  key: [door, credential.id],
  ask: () => explainDoor(door, credential.id),
  head: credentialName(t, credential),
});

export function Where({ resident }: { resident: Resident }) {
  const { t, i18n } = useTranslation();
  const doors = useFeed((feed) => feed.doors);
  const [open, setOpen] = useState(false);
  const [door, setDoor] = useState<string | null>(null);
  const { data, error, isPending } = useQuery({
    queryKey: ["where", resident.id],
    queryFn: () => whereCan(resident.id),
    enabled: open,
    gcTime: 0,
  });
  const label = (name: string) => inLanguage(doors.find((one) => one.name === name)?.label, i18n.language, name);
  const reached = [...new Set(data?.rights.map((right) => right.door))];
  return (
    <div className="where">
      <Button size="small" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t("people.where")}
      </Button>
      <Select
        size="small"
        className="where-ask"
        placeholder={t("people.ask")}
        aria-label={t("people.ask")}
        value={door}
        onChange={setDoor}
        options={doors.map((one) => ({ value: one.name, label: inLanguage(one.label, i18n.language, one.name) }))}
      />
      {open && (
        <div className="where-doors">
          {isPending && <p className="dim">{t("why.asking")}</p>}
          {error && <p className="dim">{problemText(t, error)}</p>}
          {data && reached.length === 0 && <p className="tone-bad">{t("people.nowhere")}</p>}
          {reached.map((name) => (
            <span key={name} className="badge">
              {label(name)}
            </span>
          ))}
          {data && (
            <a href={whereCanCsv(resident.id)} download>
              CSV
            </a>
          )}
        </div>
      )}
      <Why
        questions={door === null ? [] : resident.credentials.map((each) => questionOf(t, door, each))}
        onClose={() => setDoor(null)}
      />
    </div>
  );
}
