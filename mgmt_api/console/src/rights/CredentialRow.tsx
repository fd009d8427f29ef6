// One credential with its state, and the way to stop or restore it; both ask for a reason.

import { useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { restoreCredential, stopCredential, type Held } from "../api/rights";
import { problemText } from "../frame/problem_text";
import { useSite } from "../frame/site";
import { named } from "../text/i18n";
import { day } from "../text/time";
import { ReasonForm } from "./ReasonForm";

const STOPS = ["suspended", "lost", "stolen", "damaged"] as const;

interface Props {
  credential: Held;
  mayStop: boolean;
  onDone: () => void;
}

export function CredentialRow({ credential, mayStop, onDone }: Props) {
  const { t } = useTranslation();
  const { timezone } = useSite();
  const queries = useQueryClient();
  const [opened] = useState(() => Date.now());
  const [asking, setAsking] = useState(false);
  const [failure, setFailure] = useState("");
  const { id, type, tail, state, hold, valid_to } = credential;
  const good = state === "enabled";
  const expired = good && !!valid_to && Date.parse(valid_to) <= opened;

  const act = (done: Promise<unknown>) => {
    setAsking(false);
    setFailure("");
    done.then(
      () => {
        void queries.invalidateQueries({ queryKey: ["where"] });
        onDone();
      },
      (error: unknown) => setFailure(problemText(t, error)),
    );
  };
  return (
    <li className="credential" data-credential={id}>
      <div className="credential-line">
        <span>{named(t, "who", type)}</span>
        <span className="dim">{tail ? `····${tail}` : id}</span>
        <strong className={`tone-${good && !expired ? "ok" : "bad"}`}>
          {named(t, "state", expired ? "expired" : state)}
        </strong>
        {valid_to && <span className="dim">{t("people.until", { day: day(valid_to, timezone) })}</span>}
        {mayStop && !asking && (good || hold) && (
          <Button size="small" danger={good} onClick={() => setAsking(true)}>
            {t(good ? "people.stop" : "people.restore")}
          </Button>
        )}
      </div>
      {hold && (
        <p className="dim">{t("people.stopped", { by: hold.by, day: day(hold.at, timezone), reason: hold.reason })}</p>
      )}
      {!good && !hold && <p className="dim">{t("people.byOffice")}</p>}
      {failure && (
        <p className="tone-bad" role="alert">
          {failure}
        </p>
      )}
      {asking && (
        <ReasonForm
          choices={good ? STOPS.map((each) => ({ value: each, label: named(t, "state", each) })) : []}
          act={t(good ? "people.stop" : "people.restore")}
          onCancel={() => setAsking(false)}
          onReason={(reason, choice) => act(good ? stopCredential(id, choice, reason) : restoreCredential(id, reason))}
        />
      )}
    </li>
  );
}
