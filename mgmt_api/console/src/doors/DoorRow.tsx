import {
  CheckOutlined,
  ClockCircleFilled,
  CloseCircleFilled,
  ControlOutlined,
  DisconnectOutlined,
  LoadingOutlined,
  LockFilled,
  LoginOutlined,
  QuestionCircleOutlined,
  StopOutlined,
  UnlockOutlined,
  WarningFilled,
} from "@ant-design/icons";
import { Button } from "antd";
import { memo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Door } from "../api/types";
import { useSite } from "../frame/site";
import { inLanguage, named } from "../text/i18n";
import { timeOfDay } from "../text/time";
import { doorFace, heldBy, type FaceIcon } from "./door_face";
import { ModeForm } from "./ModeForm";
import { useUnlock, type Order } from "./unlock";
import { UnlockReasons } from "./UnlockReasons";

const ICONS: Record<FaceIcon, ReactNode> = {
  locked: <LockFilled />,
  unlocked: <UnlockOutlined />,
  open: <LoginOutlined />,
  alarm: <WarningFilled />,
  late: <ClockCircleFilled />,
  blocked: <StopOutlined />,
  offline: <DisconnectOutlined />,
  unknown: <QuestionCircleOutlined />,
};

const ORDER_ICONS: Record<Order["phase"], ReactNode> = {
  sending: <LoadingOutlined />,
  waiting: <LoadingOutlined />,
  confirmed: <CheckOutlined />,
  opened: <LoginOutlined />,
  failed: <CloseCircleFilled />,
};

const PLAIN = ["rest", "lockdown"]; // the mode's own word says it

interface Props {
  door: Door;
  hotkey: string | null; // "1" to "9"
  selected: boolean;
  asking: boolean;
  setting: boolean; // its mode is being set
  mayUnlock: boolean;
  mayEndless: boolean;
  onSet: (door: Door | null) => void;
  onSelect: (door: Door) => void;
  onAsk: (door: Door | null) => void;
}

export const DoorRow = memo(function DoorRow(props: Props) {
  const { door, hotkey, selected, asking, setting, mayUnlock, mayEndless, onSelect, onAsk, onSet } = props;
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const { order, open } = useUnlock(door);
  const face = doorFace(door);
  const label = inLanguage(door.label, i18n.language, door.name);
  const alarmed = door.alarm !== "Normal";
  return (
    <li className={`door${selected ? " selected" : ""}${alarmed ? ` alarmed-${face.tone}` : ""}`} data-door={door.name}>
      <div className="door-line">
        <button
          type="button"
          className="door-face"
          aria-pressed={selected}
          title={t("doors.select", { door: label })}
          onClick={() => onSelect(door)}
        >
          <span className={`door-icon tone-${face.tone}`} aria-hidden>
            {ICONS[face.icon]}
          </span>
          <span className="door-words">
            <span className="door-label">{label}</span>
            <span className={`door-state tone-${face.tone}`}>
              {named(t, face.group, face.word)}
              {door.by && !PLAIN.includes(door.by) && <span className="door-by"> · {heldBy(t, door, timezone)}</span>}
            </span>
          </span>
        </button>
        {hotkey && mayUnlock && (
          <kbd title={t("doors.key", { key: hotkey })} aria-hidden>
            {hotkey}
          </kbd>
        )}
        {mayUnlock && (
          <Button
            className="door-unlock"
            aria-label={t("doors.unlockDoor", { door: label })}
            aria-expanded={asking}
            {...(hotkey ? { "aria-keyshortcuts": hotkey } : {})}
            type={asking ? "primary" : "default"}
            onClick={() => onAsk(asking ? null : door)}
          >
            {t("doors.unlock")}
          </Button>
        )}
        {mayUnlock && (
          <Button
            type="text"
            icon={<ControlOutlined aria-hidden />}
            aria-label={t("mode.of", { door: label })}
            title={t("mode.of", { door: label })}
            aria-expanded={setting}
            onClick={() => onSet(setting ? null : door)}
          />
        )}
      </div>
      {setting && <ModeForm door={door} label={label} endless={mayEndless} onClose={() => onSet(null)} />}
      {asking && (
        <UnlockReasons
          label={label}
          onCancel={() => onAsk(null)}
          onReason={(reason) => {
            onAsk(null);
            open(reason);
          }}
        />
      )}
      <div role="status" className="door-order-place">
        {order && (
          <div className={`door-order order-${order.phase}`}>
            <span aria-hidden>{ORDER_ICONS[order.phase]}</span>
            <span>{order.text}</span>
            <time>{timeOfDay(order.at, timezone)}</time>
          </div>
        )}
      </div>
    </li>
  );
});
