// Under the door: which mode, for how long, and why.

import { Button, Input, Radio } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Door } from "../api/types";
import { useKeys } from "../frame/keys";
import { GivenOrder } from "./GivenOrder";
import { useOrder } from "./order";

const MODES = ["Unlocked", "LockedOpen", "Locked", "Blocked", "DoubleLocked"];
const SHUTS_IN = ["Blocked", "DoubleLocked"]; // only where who is inside gets out without a reader
const TIMES_S = [900, 3600, 14_400, 43_200];

interface Props {
  door: Door;
  label: string;
  endless: boolean; // whether this user may order a mode without an end
  onClose: () => void;
}

export function ModeForm({ door, label, endless, onClose }: Props) {
  const { t } = useTranslation();
  const { given, give } = useOrder();
  const [mode, setMode] = useState("Unlocked");
  const [time_s, setTime] = useState(TIMES_S[0] ?? 900);
  const [reason, setReason] = useState("");
  useKeys({ Escape: onClose }, "inner");
  const modes = MODES.filter((each) => door.may_block || !SHUTS_IN.includes(each));
  const why = reason.trim();
  const busy = given?.phase === "waiting";
  const end = time_s > 0 ? { for_s: time_s } : {};
  return (
    <form
      className="mode-form"
      aria-label={t("mode.of", { door: label })}
      onSubmit={(event) => {
        event.preventDefault();
        if (why) give({ action: "mode", door: door.name, mode, reason: why, ...end });
      }}
    >
      <Radio.Group
        optionType="button"
        aria-label={t("mode.which")}
        value={mode}
        onChange={(event) => setMode(String(event.target.value))}
        options={modes.map((value) => ({ value, label: t(`doorMode.${value}`) }))}
      />
      <Radio.Group
        optionType="button"
        aria-label={t("mode.howLong")}
        value={time_s}
        onChange={(event) => setTime(Number(event.target.value))}
        options={[
          ...TIMES_S.map((value) => ({ value, label: t(`mode.for.${value}`) })),
          ...(endless ? [{ value: 0, label: t("mode.endless") }] : []),
        ]}
      />
      <Input
        value={reason}
        maxLength={200}
        placeholder={t("mode.why")}
        aria-label={t("mode.why")}
        onChange={(event) => setReason(event.target.value)}
      />
      <div className="mode-acts">
        <Button type="primary" htmlType="submit" disabled={!why || busy}>
          {t("mode.set")}
        </Button>
        {door.by === "guard" && (
          <Button
            disabled={!why || busy}
            onClick={() => give({ action: "mode_release", door: door.name, reason: why })}
          >
            {t("mode.release")}
          </Button>
        )}
        <Button onClick={onClose}>{t("mode.close")}</Button>
      </div>
      <GivenOrder given={given} />
    </form>
  );
}
