// A lockdown of the whole site or of a zone: entry ends at once, and who is inside gets out as ever.

import { Button, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useKeys } from "../frame/keys";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { zoneText } from "../text/zone";
import { GivenOrder } from "./GivenOrder";
import { useOrder } from "./order";

export function LockdownForm({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const known = useSite().zones;
  const doors = useFeed((feed) => feed.doors);
  const { given, give } = useOrder();
  const [zone, setZone] = useState("");
  const [reason, setReason] = useState("");
  useKeys({ Escape: onClose }, "inner");
  const zones = [...new Set(doors.flatMap((door) => door.zones ?? []))].sort();
  const why = reason.trim();
  return (
    <form
      className="mode-form lockdown-form"
      aria-label={t("lockdown.title")}
      onSubmit={(event) => {
        event.preventDefault();
        if (why) give({ action: "lockdown", zone, reason: why });
      }}
    >
      <Select
        value={zone}
        aria-label={t("lockdown.where")}
        onChange={setZone}
        options={["", ...zones].map((value) => ({ value, label: zoneText(t, known, i18n.language, value) }))}
      />
      <Input
        value={reason}
        maxLength={200}
        placeholder={t("mode.why")}
        aria-label={t("mode.why")}
        onChange={(event) => setReason(event.target.value)}
      />
      <p className="dim">{t("lockdown.note")}</p>
      <div className="mode-acts">
        <Button danger type="primary" htmlType="submit" disabled={!why || given?.phase === "waiting"}>
          {t("lockdown.begin")}
        </Button>
        <Button onClick={onClose}>{t("mode.close")}</Button>
      </div>
      <GivenOrder given={given} />
    </form>
  );
}
