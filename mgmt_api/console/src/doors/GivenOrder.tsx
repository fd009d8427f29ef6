// What became of an order, in a line.

import { CheckOutlined, CloseCircleFilled, LoadingOutlined } from "@ant-design/icons";
import type { ReactNode } from "react";

import type { Given } from "./order";

const ICONS: Record<Given["phase"], ReactNode> = {
  waiting: <LoadingOutlined />,
  confirmed: <CheckOutlined />,
  failed: <CloseCircleFilled />,
};

export function GivenOrder({ given }: { given: Given | null }) {
  return (
    <div role="status">
      {given && (
        <div className={`door-order order-${given.phase}`}>
          <span aria-hidden>{ICONS[given.phase]}</span>
          <span>{given.text}</span>
        </div>
      )}
    </div>
  );
}
