// Under the door, not over the page: a press on a reason opens the door.

import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { useKeys, type KeyMap } from "../frame/keys";

const REASONS = ["unstated", "resident", "courier", "takeaway", "repair", "visitor"] as const;

interface Props {
  label: string;
  onReason: (reason: string) => void;
  onCancel: () => void;
}

export function UnlockReasons({ label, onReason, onCancel }: Props) {
  const { t } = useTranslation();
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    first.current?.focus();
    return () => {
      // Who chose by keys goes on from where he was; who pressed elsewhere meanwhile stays there.
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
  }, []);
  const keys: KeyMap = { Escape: onCancel };
  REASONS.forEach((reason, index) => {
    keys[String(index + 1)] = () => onReason(reason);
  });
  useKeys(keys, "inner");
  return (
    <div className="reasons" role="group" aria-label={t("doors.choose", { door: label })}>
      {REASONS.map((reason, index) => (
        <button
          key={reason}
          ref={index === 0 ? first : null}
          type="button"
          className="chip"
          onClick={() => onReason(reason)}
        >
          <kbd aria-hidden>{index + 1}</kbd>
          {t(`unlockReason.${reason}`)}
        </button>
      ))}
      <button type="button" className="chip quiet" onClick={onCancel}>
        {t("doors.cancel")}
      </button>
    </div>
  );
}
