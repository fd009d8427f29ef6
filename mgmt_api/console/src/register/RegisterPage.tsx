// For the auditor: who saw, took, kept or gave up which footage, when and why. And what is kept now.

import { CheckCircleFilled, WarningFilled } from "@ant-design/icons";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Alert, Button, Input, Segmented, Table, Tag, type TableColumnsType } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { auditProof, register } from "../api/calls";
import { problemText } from "../frame/problem_text";
import type { PageProps } from "../frame/Shell";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { matches } from "../text/filter";
import { inLanguage, named } from "../text/i18n";
import { reasonText } from "../text/reason";
import { day, timeOfDay } from "../text/time";
import { folded, type Look } from "./fold";
import { Holds } from "./Holds";

const KINDS = ["all", "looked", "taken", "kept"] as const;
type Kind = (typeof KINDS)[number];
const OF: Record<Exclude<Kind, "all">, readonly string[]> = {
  looked: ["footage.watch", "footage.preview", "footage.still", "footage.live"],
  taken: ["footage.export", "footage.fetch"],
  kept: ["footage.hold", "footage.lift"],
};
const TONES: Record<string, string> = { "footage.export": "orange", "footage.fetch": "orange", "footage.lift": "red" };

export default function RegisterPage({ user }: PageProps) {
  const { t } = useTranslation();
  const [tab, setTab] = useState<"register" | "holds">("register");
  return (
    <main className="page">
      <section className="panel page-panel" aria-label={t("register.title")}>
        <header className="panel-head">
          <Segmented
            value={tab}
            onChange={setTab}
            options={[
              { value: "register", label: t("register.title") },
              { value: "holds", label: t("register.holds") },
            ]}
          />
        </header>
        {tab === "register" ? <Lines /> : <Holds mayLift={user.role === "admin"} />}
      </section>
    </main>
  );
}

function Lines() {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const cameras = useFeed((feed) => feed.cameras);
  const [kind, setKind] = useState<Kind>("all");
  const [filter, setFilter] = useState("");
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["register"],
    queryFn: ({ pageParam }) => register(pageParam),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
  });
  const label = (name: string) =>
    inLanguage(cameras.find((camera) => camera.name === name)?.label, i18n.language, name);
  const labels = (target: string) => target.split(", ").map(label).join("、");
  const moment = (at: string) => `${day(at, timezone)} ${timeOfDay(at, timezone)}`;
  const whatFor = ({ detail }: Look) => detail.reason && reasonText(t, detail.reason);
  const lines = folded(data?.pages.flatMap(({ entries }) => entries) ?? []).filter(
    (look) =>
      (kind === "all" || OF[kind].includes(look.action)) &&
      matches(filter, [look.actor, labels(look.target), look.target, whatFor(look) ?? ""]),
  );
  const { data: proof } = useQuery({ queryKey: ["audit-proof"], queryFn: auditProof });
  const columns: TableColumnsType<Look> = [
    {
      title: t("register.when"),
      width: 176,
      render: (_, { at }) => <time dateTime={at}>{moment(at)}</time>,
    },
    {
      title: t("register.who"),
      width: 150,
      render: (_, { actor, role }) => (
        <>
          <strong>{actor}</strong> <span className="dim">{named(t, "role", role)}</span>
        </>
      ),
    },
    {
      title: t("register.did"),
      width: 132,
      render: (_, { action }) => (
        <Tag color={TONES[action] ?? "default"}>{named(t, "deed", action.replace("footage.", ""))}</Tag>
      ),
    },
    {
      title: t("register.camera"),
      width: 190,
      render: (_, { target, action }) => (action === "footage.fetch" ? "" : labels(target)),
    },
    {
      title: t("register.footage"),
      width: 330,
      render: (_, { detail }) =>
        detail.from && detail.to ? `${moment(detail.from)} – ${timeOfDay(detail.to, timezone)}` : "",
    },
    { title: t("register.why"), render: (_, look) => whatFor(look) },
    {
      title: t("register.proof"),
      width: 190,
      render: (_, { detail }) =>
        detail.manifest ? (
          <span className="mono" title={detail.manifest}>
            {detail.manifest.slice(0, 12)}…
          </span>
        ) : (
          <span className="mono dim">{detail.export ?? detail.hold}</span>
        ),
    },
  ];
  return (
    <>
      <div className="page-tools">
        <Segmented<Kind>
          aria-label={t("register.show")}
          value={kind}
          onChange={setKind}
          options={KINDS.map((value) => ({ value, label: t(`register.kind.${value}`) }))}
        />
        <Input
          className="page-filter"
          allowClear
          value={filter}
          placeholder={t("register.filter")}
          aria-label={t("register.filter")}
          onChange={(event) => setFilter(event.target.value)}
        />
        {proof?.whole === true && (
          <span className="tone-ok">
            <CheckCircleFilled aria-hidden /> {t("register.whole")}
          </span>
        )}
        {proof?.whole === false && (
          <strong className="tone-bad" role="alert">
            <WarningFilled aria-hidden /> {t("register.broken")}
          </strong>
        )}
      </div>
      {error && <Alert type="error" showIcon title={problemText(t, error)} />}
      <div className="page-body">
        <Table<Look>
          rowKey="id"
          size="small"
          sticky
          loading={isPending}
          columns={columns}
          dataSource={lines}
          pagination={false}
          locale={{ emptyText: t("register.none") }}
          scroll={{ x: 1220 }}
        />
        {hasNextPage && (
          <Button type="text" block loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t("register.older")}
          </Button>
        )}
      </div>
    </>
  );
}
