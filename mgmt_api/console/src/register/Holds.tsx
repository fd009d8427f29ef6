// Footage that retention may not take, and giving it up.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input, Modal, Table, type TableColumnsType } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { holds, liftHold } from "../api/calls";
import type { Hold } from "../api/types";
import { open } from "../frame/pages";
import { problemText } from "../frame/problem_text";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { inLanguage } from "../text/i18n";
import { reasonText } from "../text/reason";
import { day, timeOfDay } from "../text/time";

export function Holds({ mayLift }: { mayLift: boolean }) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const cameras = useFeed((feed) => feed.cameras);
  const { data, error, isPending } = useQuery({ queryKey: ["holds"], queryFn: holds });
  const [lifting, setLifting] = useState<Hold | null>(null);
  const moment = (at: string) => `${day(at, timezone)} ${timeOfDay(at, timezone)}`;
  const columns: TableColumnsType<Hold> = [
    {
      title: t("register.camera"),
      width: 200,
      render: (_, { camera }) => inLanguage(cameras.find(({ name }) => name === camera)?.label, i18n.language, camera),
    },
    {
      title: t("register.footage"),
      width: 330,
      render: (_, { from, to }) => `${moment(from)} – ${timeOfDay(to, timezone)}`,
    },
    { title: t("register.why"), render: (_, { reason }) => reasonText(t, reason) },
    { title: t("register.by"), dataIndex: "by", width: 140 },
    {
      title: t("hold.until"),
      width: 180,
      render: (_, { until }) => (until === null ? t("hold.lifted") : moment(until)),
    },
    {
      title: "",
      width: 210,
      render: (_, hold) => (
        <span className="row-acts">
          <Button
            size="small"
            onClick={() => open("footage", { cameras: hold.camera, at: hold.from, reason: hold.reason })}
          >
            {t("hold.look")}
          </Button>
          {mayLift && (
            <Button size="small" danger onClick={() => setLifting(hold)}>
              {t("hold.lift")}
            </Button>
          )}
        </span>
      ),
    },
  ];
  return (
    <div className="page-body">
      {error && <Alert type="error" showIcon title={problemText(t, error)} />}
      <Table<Hold>
        rowKey="id"
        size="small"
        sticky
        loading={isPending}
        columns={columns}
        dataSource={data ?? []}
        pagination={false}
        locale={{ emptyText: t("hold.none") }}
        scroll={{ x: 1100 }}
      />
      {lifting && <Lift hold={lifting} onClose={() => setLifting(null)} />}
    </div>
  );
}

function Lift({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [why, setWhy] = useState("");
  const lift = useMutation({
    mutationFn: () => liftHold(hold.id, why.trim()),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["holds"] });
      void queries.invalidateQueries({ queryKey: ["register"] });
      onClose();
    },
  });
  return (
    <Modal
      open
      title={t("hold.liftTitle")}
      okText={t("hold.lift")}
      okButtonProps={{ danger: true, disabled: why.trim() === "", loading: lift.isPending }}
      onOk={() => lift.mutate()}
      onCancel={onClose}
      destroyOnHidden
    >
      <p className="gap-below">{t("hold.liftWords", { reason: reasonText(t, hold.reason) })}</p>
      {lift.error && <Alert type="error" showIcon title={problemText(t, lift.error)} className="gap-below" />}
      <Input
        autoFocus
        maxLength={200}
        value={why}
        placeholder={t("hold.liftWhy")}
        aria-label={t("hold.liftWhy")}
        onChange={(event) => setWhy(event.target.value)}
      />
    </Modal>
  );
}
