import { Modal } from "antd";
import { useTranslation } from "react-i18next";

import { useKeys } from "./keys";

const KEYS = [
  ["/", "filter"],
  ["1 – 9", "door"],
  ["1 – 6", "reason"],
  ["Esc", "escape"],
  ["Space", "space"],
  ["J  L", "jump"],
  ["← →", "arrows"],
  [",  .", "frames"],
  ["I  O", "range"],
  ["E", "export"],
] as const;

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  useKeys(open ? { Escape: onClose } : {}, "over"); // a dialog that is still opening hears no Escape by itself
  return (
    <Modal open={open} onCancel={onClose} footer={null} title={t("help.title")} width={460}>
      <dl className="help">
        {KEYS.map(([key, word]) => (
          <div key={word}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(`help.${word}`)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
