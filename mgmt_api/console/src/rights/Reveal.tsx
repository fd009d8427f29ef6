// Phone and ID number, masked; in full for a reason that the audit keeps, until the page is left.

import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { reveal, type Resident } from "../api/rights";
import { problemText } from "../frame/problem_text";
import { ReasonForm } from "./ReasonForm";

export function Reveal({ resident, may }: { resident: Resident; may: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const [shown, setShown] = useState({ phone: resident.phone, id_number: resident.id_number });
  const [failure, setFailure] = useState("");
  const masked = shown.phone.includes("*") || shown.id_number.includes("*");
  const ask = (reason: string) => {
    setAsking(false);
    reveal(resident.id, reason).then(setShown, (error: unknown) => setFailure(problemText(t, error)));
  };
  return (
    <>
      <span className="dim">{[shown.phone, shown.id_number].filter(Boolean).join("  ")}</span>
      {may && masked && !asking && (
        <Button size="small" type="text" onClick={() => setAsking(true)}>
          {t("people.reveal")}
        </Button>
      )}
      {failure && <span className="tone-bad">{failure}</span>}
      {asking && <ReasonForm act={t("people.reveal")} onCancel={() => setAsking(false)} onReason={ask} />}
    </>
  );
}
