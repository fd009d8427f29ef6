import { Input } from "antd";
import { useTranslation } from "react-i18next";

import type { Mask } from "../api/types";

interface Props {
  mask: Mask;
  editable: boolean;
  onChange: (mask: Mask) => void;
}

export function MaskForm({ mask, editable, onChange }: Props) {
  const { t } = useTranslation();
  return (
    <div className="zone-form">
      <label>
        <span>{t("seeing.name")}</span>
        <Input
          value={mask.name}
          maxLength={48}
          disabled={!editable}
          onChange={({ target }) => onChange({ ...mask, name: target.value })}
        />
      </label>
      <small className="dim">{t("seeing.maskHint")}</small>
    </div>
  );
}
