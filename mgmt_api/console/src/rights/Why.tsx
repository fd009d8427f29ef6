// Why a door opened or did not: the checks in their order, as the gateway made them at that moment.

import { CheckCircleFilled, CloseCircleFilled, LoadingOutlined, MinusCircleOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Modal } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Explanation, Step, Verdict } from "../api/rights";
import { useKeys } from "../frame/keys";
import { problemText } from "../frame/problem_text";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { inLanguage, named } from "../text/i18n";
import { day, timeOfDay } from "../text/time";
import { factText } from "./fact_text";

const FACES: Record<string, [string, ReactNode]> = {
  passed: ["ok", <CheckCircleFilled key="i" />],
  refused: ["bad", <CloseCircleFilled key="i" />],
  "also refuses": ["bad", <CloseCircleFilled key="i" />],
};

function StepRow({ step }: { step: Step }) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const [tone, icon] = FACES[step.outcome] ?? ["calm", <MinusCircleOutlined key="i" />];
  const facts = Object.entries(step.facts)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => factText(t, name, value, timezone));
  return (
    <li className={`why-step why-${step.outcome.replace(" ", "-")}`}>
      <span className={`tone-${tone}`} aria-hidden>
        {icon}
      </span>
      <span className="why-words">
        <span>{inLanguage(step, i18n.language, step.reason)}</span>
        {facts.length > 0 && <span className="dim why-facts">{facts.join(" · ")}</span>}
      </span>
      <span className={`why-outcome tone-${tone}`}>{named(t, "outcome", step.outcome)}</span>
    </li>
  );
}

function Answer({ verdict }: { verdict: Verdict }) {
  const { t, i18n } = useTranslation();
  const doors = useFeed((feed) => feed.doors);
  const label = doors.find((door) => door.name === verdict.door)?.label;
  const granted = verdict.decision === "Granted";
  return (
    <section className="why-answer" aria-label={verdict.access_point}>
      <p className={`why-verdict ${granted ? "is-ok" : "is-bad"}`}>
        <span aria-hidden>{granted ? <CheckCircleFilled /> : <CloseCircleFilled />}</span>
        <strong>{named(t, "kind", verdict.decision)}</strong>
        <span>{inLanguage(verdict, i18n.language, verdict.reason)}</span>
        <span className="dim">{inLanguage(label, i18n.language, verdict.door)}</span>
      </p>
      {verdict.agrees === false && <p className="tone-warn">{t("why.differs")}</p>}
      <ol className="why-steps">
        {verdict.steps.map((step, index) => (
          <StepRow key={index} step={step} />
        ))}
      </ol>
    </section>
  );
}

export interface Question {
  key: readonly string[]; // its name among the questions
  ask: () => Promise<Explanation>;
  head?: string; // what it is about, where there are several
}

function Told({ question }: { question: Question }) {
  const { t } = useTranslation();
  const { timezone } = useSite();
  const { data, error, isPending } = useQuery({ queryKey: ["why", ...question.key], queryFn: question.ask, gcTime: 0 });
  return (
    <section className="why" aria-label={question.head}>
      {question.head && <h3>{question.head}</h3>}
      {isPending && (
        <p className="empty" role="status">
          <LoadingOutlined aria-hidden /> {t("why.asking")}
        </p>
      )}
      {error && <p className="empty">{t("why.failed", { why: problemText(t, error) })}</p>}
      {data && (
        <>
          <p className="dim">
            {t("why.stood", {
              time: `${day(data.at, timezone)} ${timeOfDay(data.at, timezone)}`,
              version: data.table_version,
            })}
            {data.credential && ` · ${t("why.credential", { id: data.credential })}`}
          </p>
          {data.answers.map((verdict) => (
            <Answer key={verdict.access_point} verdict={verdict} />
          ))}
        </>
      )}
    </section>
  );
}

interface Props {
  questions: readonly Question[]; // none: nothing is asked
  onClose: () => void;
}

export function Why({ questions, onClose }: Props) {
  const { t } = useTranslation();
  useKeys(questions.length > 0 ? { Escape: onClose } : {}, "over"); // heard while it is still opening, too
  return (
    <Modal open={questions.length > 0} onCancel={onClose} footer={null} title={t("why.title")} width={720}>
      {questions.map((question) => (
        <Told key={question.key.join(" ")} question={question} />
      ))}
    </Modal>
  );
}
