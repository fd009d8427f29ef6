// A reason in words, which the audit keeps, and a choice if there is one.

import { Button, Input, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  choices?: { value: string; label: string }[];
  act: string;
  onReason: (reason: string, choice: string) => void;
  onCancel: () => void;
}

export function ReasonForm({ choices = [], act, onReason, onCancel }: Props) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const [choice, setChoice] = useState(choices[0]?.value ?? "");
  const ready = reason.trim() !== "";
  return (
    <form
      className="reason-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) onReason(reason.trim(), choice);
      }}
    >
      {choices.length > 0 && (
        <Segmented aria-label={t("people.why")} value={choice} onChange={setChoice} options={choices} />
      )}
      <Input
        autoFocus
        maxLength={200}
        placeholder={t("people.reason")}
        aria-label={t("people.reason")}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <Button htmlType="submit" type="primary" disabled={!ready}>
        {act}
      </Button>
      <Button onClick={onCancel}>{t("doors.cancel")}</Button>
    </form>
  );
}
