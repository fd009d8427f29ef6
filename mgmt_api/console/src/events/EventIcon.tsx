import {
  ApiOutlined,
  CheckCircleFilled,
  ClockCircleFilled,
  CloseSquareFilled,
  DisconnectOutlined,
  LoginOutlined,
  SettingOutlined,
  UnlockOutlined,
  WarningFilled,
} from "@ant-design/icons";
import type { ReactNode } from "react";

import type { EventFace, EventIcon as Icon } from "./event_face";

// A green circle passed, a red square was refused, a triangle warns: shapes speak to whoever sees no colour.
const ICONS: Record<Icon, ReactNode> = {
  pass: <CheckCircleFilled />,
  refuse: <CloseSquareFilled />,
  alarm: <WarningFilled />,
  late: <ClockCircleFilled />,
  remote: <UnlockOutlined />,
  door: <LoginOutlined />,
  link: <ApiOutlined />,
  lost: <DisconnectOutlined />,
  system: <SettingOutlined />,
};

export function EventIcon({ face }: { face: EventFace }) {
  return (
    <span className={`event-icon tone-${face.tone}`} aria-hidden>
      {ICONS[face.icon]}
    </span>
  );
}
