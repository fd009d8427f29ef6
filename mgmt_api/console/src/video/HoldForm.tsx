// Footage that retention must not take.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Form, Input, Modal, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { hold } from "../api/calls";
import { problemText } from "../frame/problem_text";
import { day, timeOfDay } from "../text/time";
import { DAY, type Stretch } from "./scale";
import type { Lane } from "./timeline_paint";

interface Props {
  lanes: readonly Lane[];
  range: Stretch;
  reason: string;
  timezone: string;
  onClose: () => void;
}

const DAYS = [30, 90, 180, 0] as const; // 0: until somebody lifts it
const iso = (moment: number) => new Date(Math.round(moment)).toISOString();

export function HoldForm({ lanes, range, reason, timezone, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [why, setWhy] = useState(reason);
  const [days, setDays] = useState<number>(90);
  const place = useMutation({
    mutationFn: () =>
      hold({
        cameras: lanes.map(({ name }) => name),
        from: iso(range.from),
        to: iso(range.to),
        reason: why.trim(),
        ...(days > 0 ? { until: iso(Date.now() + days * DAY) } : {}),
      }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["timeline"] });
      void queries.invalidateQueries({ queryKey: ["holds"] });
      onClose();
    },
  });
  return (
    <Modal open title={t("hold.title")} onCancel={onClose} footer={null} width={520} destroyOnHidden>
      <dl className="facts">
        <dt>{t("export.cameras")}</dt>
        <dd>{lanes.map(({ label }) => label).join(" · ")}</dd>
        <dt>{t("export.time")}</dt>
        <dd>
          {day(range.from, timezone)} {timeOfDay(range.from, timezone)} – {timeOfDay(range.to, timezone)}
        </dd>
      </dl>
      <Form layout="vertical" onFinish={() => place.mutate()}>
        <Form.Item label={t("hold.why")} required>
          <Input value={why} maxLength={200} onChange={(event) => setWhy(event.target.value)} />
        </Form.Item>
        <Form.Item label={t("hold.until")}>
          <Segmented<number>
            value={days}
            onChange={setDays}
            options={DAYS.map((value) => ({
              value,
              label: value === 0 ? t("hold.lifted") : t("hold.days", { count: value }),
            }))}
          />
        </Form.Item>
        {place.error && <Alert type="error" showIcon title={problemText(t, place.error)} className="gap-below" />}
        <Button type="primary" htmlType="submit" block loading={place.isPending} disabled={why.trim() === ""}>
          {t("hold.place")}
        </Button>
      </Form>
    </Modal>
  );
}
