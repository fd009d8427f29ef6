// What a monitoring zone asks for: its name, how large, how long, when, and the door that it lies behind.

import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Input, InputNumber, Select, Slider } from "antd";
import { useTranslation } from "react-i18next";

import type { ArmedWindow, Door, MonitoringZone } from "../api/types";
import { inLanguage } from "../text/i18n";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const NIGHT: ArmedWindow = { days: [...DAYS], begin: "22:00", end: "06:00" };

interface Props {
  zone: MonitoringZone;
  doors: readonly Door[]; // that the camera sees
  editable: boolean;
  onChange: (zone: MonitoringZone) => void;
}

export function ZoneForm({ zone, doors, editable, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const change = (part: Partial<MonitoringZone>) => onChange({ ...zone, ...part });
  const window = (index: number, part: Partial<ArmedWindow>) =>
    change({ windows: zone.windows.map((each, other) => (other === index ? { ...each, ...part } : each)) });
  const disabled = !editable;
  return (
    <div className="zone-form">
      <label>
        <span>{t("seeing.name")}</span>
        <Input
          value={zone.name}
          maxLength={48}
          disabled={disabled}
          onChange={({ target }) => change({ name: target.value })}
        />
      </label>
      <label>
        <span>{t("seeing.sensitivity", { value: zone.sensitivity })}</span>
        <Slider
          min={1}
          max={100}
          value={zone.sensitivity}
          disabled={disabled}
          ariaLabelForHandle={t("seeing.sensitivityName")}
          onChange={(sensitivity) => change({ sensitivity })}
        />
        <small className="dim">{t("seeing.sensitivityHint")}</small>
      </label>
      <label>
        <span>{t("seeing.dwell")}</span>
        <InputNumber
          min={0}
          max={60}
          step={0.5}
          value={zone.dwell_s}
          disabled={disabled}
          suffix={t("seeing.seconds")}
          onChange={(value) => change({ dwell_s: value ?? 0 })}
        />
      </label>
      <label>
        <span>{t("seeing.door")}</span>
        <Select<string>
          value={zone.door ?? ""}
          disabled={disabled}
          aria-label={t("seeing.door")}
          options={[
            { value: "", label: t("seeing.noDoor") },
            ...doors.map(({ name, label }) => ({ value: name, label: inLanguage(label, i18n.language, name) })),
          ]}
          onChange={(door) => change({ door: door || null })}
        />
        <small className="dim">{t("seeing.doorHint")}</small>
      </label>
      <div className="windows">
        <span>{t("seeing.windows")}</span>
        {zone.windows.length === 0 && <small className="dim">{t("seeing.always")}</small>}
        {zone.windows.map((each, index) => (
          <div key={index} className="window">
            <Select<string[]>
              mode="multiple"
              value={each.days}
              disabled={disabled}
              aria-label={t("seeing.days")}
              options={DAYS.map((value) => ({ value, label: t(`seeing.day.${value}`) }))}
              maxTagCount={3}
              onChange={(days) => days.length > 0 && window(index, { days })}
            />
            <Input
              type="time"
              value={each.begin}
              disabled={disabled}
              aria-label={t("seeing.begin")}
              onChange={({ target }) => window(index, { begin: target.value })}
            />
            <Input
              type="time"
              value={each.end}
              disabled={disabled}
              aria-label={t("seeing.end")}
              onChange={({ target }) => window(index, { end: target.value })}
            />
            <Button
              type="text"
              disabled={disabled}
              icon={<DeleteOutlined aria-hidden />}
              aria-label={t("seeing.dropWindow")}
              onClick={() => change({ windows: zone.windows.filter((_, other) => other !== index) })}
            />
          </div>
        ))}
        {editable && (
          <Button
            size="small"
            icon={<PlusOutlined aria-hidden />}
            disabled={zone.windows.length >= 21}
            onClick={() => change({ windows: [...zone.windows, NIGHT] })}
          >
            {t("seeing.addWindow")}
          </Button>
        )}
      </div>
    </div>
  );
}
