// Footage that retention must not take.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Form, Input, Modal, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { hold } from "../api/calls";
import { problemText } from "../frame/problem_text";
import { reasonText } from "../text/reason";
import { ChosenFacts, iso, wantedOf, type Chosen } from "./Chosen";
import { DAY } from "./scale";

const DAYS = [30, 90, 180, 0] as const; // 0: until somebody lifts it

export function HoldForm(chosen: Chosen) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [why, setWhy] = useState(() => reasonText(t, chosen.reason));
  const [days, setDays] = useState<number>(90);
  const place = useMutation({
    mutationFn: () =>
      hold({
        ...wantedOf(chosen, why),
        ...(days > 0 ? { until: iso(Date.now() + days * DAY) } : {}),
      }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["timeline"] });
      void queries.invalidateQueries({ queryKey: ["holds"] });
      chosen.onClose();
    },
  });
  return (
    <Modal open title={t("hold.title")} onCancel={chosen.onClose} footer={null} width={520} destroyOnHidden>
      <ChosenFacts {...chosen} />
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
