import { CheckOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useTranslation } from "react-i18next";

import { acknowledge } from "../api/calls";

/** Takes note of a camera's alarm. */
export function Acknowledge({ alarm }: { alarm: number }) {
  const { t } = useTranslation();
  return (
    <Button
      size="small"
      icon={<CheckOutlined aria-hidden />}
      onClick={() => void acknowledge(alarm).catch(() => undefined)}
    >
      {t("alarm.ack")}
    </Button>
  );
}
