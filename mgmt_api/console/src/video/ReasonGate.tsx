// Before anybody looks at footage: why? One press; the answer goes into the register.

import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

const REASONS = ["alarm", "event", "resident", "patrol", "police"] as const;

export function ReasonGate({ onReason }: { onReason: (reason: string) => void }) {
  const { t } = useTranslation();
  const [other, setOther] = useState("");
  const say = () => {
    if (other.trim() !== "") onReason(other.trim());
  };
  return (
    <section className="panel gate" aria-label={t("playback.why")}>
      <h2>{t("playback.why")}</h2>
      <p className="dim">{t("playback.whyHint")}</p>
      <div className="gate-reasons">
        {REASONS.map((word) => (
          <Button key={word} size="large" onClick={() => onReason(word)}>
            {t(`lookReason.${word}`)}
          </Button>
        ))}
      </div>
      <div className="gate-other">
        <Input
          size="large"
          maxLength={200}
          value={other}
          placeholder={t("playback.otherReason")}
          aria-label={t("playback.otherReason")}
          onChange={(event) => setOther(event.target.value)}
          onPressEnter={say}
        />
        <Button size="large" type="primary" disabled={other.trim() === ""} onClick={say}>
          {t("playback.goOn")}
        </Button>
      </div>
    </section>
  );
}
