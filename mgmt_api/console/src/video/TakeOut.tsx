// Footage leaves the house: what, why, with what; then how far it is, and the file.

import { CheckCircleFilled, DownloadOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Checkbox, Form, Input, Modal, Progress } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { exported, takeOut } from "../api/calls";
import { problemText } from "../frame/problem_text";
import { reasonText } from "../text/reason";
import { ChosenFacts, wantedOf, type Chosen } from "./Chosen";

const ASK_AGAIN_MS = 700;
const MB = 1e6;

export function TakeOut(chosen: Chosen) {
  const { t } = useTranslation();
  const [why, setWhy] = useState(() => reasonText(t, chosen.reason));
  const [events, setEvents] = useState(true);
  const [watermark, setWatermark] = useState(false);
  const begin = useMutation({
    mutationFn: () => takeOut({ ...wantedOf(chosen, why), events, watermark }),
  });
  const { data: grown } = useQuery({
    queryKey: ["export", begin.data?.id],
    queryFn: () => exported(begin.data?.id ?? ""),
    enabled: begin.data?.stage === "working",
    refetchInterval: ({ state }) => (state.data?.stage === "working" || !state.data ? ASK_AGAIN_MS : false),
  });
  const made = grown ?? begin.data;
  return (
    <Modal open title={t("export.title")} onCancel={chosen.onClose} footer={null} width={560} destroyOnHidden>
      <ChosenFacts {...chosen} />
      {!made && (
        <Form layout="vertical" onFinish={() => begin.mutate()}>
          <Form.Item label={t("export.why")} required>
            <Input value={why} maxLength={200} onChange={(event) => setWhy(event.target.value)} />
          </Form.Item>
          <Form.Item>
            <Checkbox checked={events} onChange={(event) => setEvents(event.target.checked)}>
              {t("export.events")}
            </Checkbox>
            <Checkbox checked={watermark} onChange={(event) => setWatermark(event.target.checked)}>
              {t("export.watermark")}
            </Checkbox>
          </Form.Item>
          {begin.error && <Alert type="error" showIcon title={problemText(t, begin.error)} className="gap-below" />}
          <p className="dim gap-below">{t("export.registered")}</p>
          <Button type="primary" htmlType="submit" block loading={begin.isPending} disabled={why.trim() === ""}>
            {t("export.begin")}
          </Button>
        </Form>
      )}
      {made?.stage === "working" && (
        <div role="status">
          <p>{t("export.working")}</p>
          <Progress percent={Math.round(made.share * 100)} />
        </div>
      )}
      {made?.stage === "failed" && (
        <Alert type="error" showIcon title={t("export.failed", { why: made.failure ?? "" })} />
      )}
      {made?.stage === "ready" && made.file && (
        <div className="taken" role="status">
          <p className="tone-ok">
            <CheckCircleFilled aria-hidden /> {t("export.ready", { size: ((made.bytes ?? 0) / MB).toFixed(1) })}
          </p>
          <Button
            type="primary"
            size="large"
            block
            icon={<DownloadOutlined aria-hidden />}
            href={made.file}
            download={made.name}
          >
            {t("export.save")}
          </Button>
          <dl className="facts">
            <dt>{t("export.manifest")}</dt>
            <dd className="mono">{made.manifest}</dd>
            <dt>{t("export.verify")}</dt>
            <dd className="mono">
              menjin clip verify {made.keys.map((key) => `--key ${key} `)}
              {made.name}
            </dd>
          </dl>
          <p className="dim">{t("export.keyHint")}</p>
        </div>
      )}
    </Modal>
  );
}
