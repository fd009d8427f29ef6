// Which day, which cameras, and why somebody looks.

import { EditOutlined } from "@ant-design/icons";
import { Button, DatePicker, Select, Tag } from "antd";
import dayjs from "dayjs";
import { memo } from "react";
import { useTranslation } from "react-i18next";

import type { Camera } from "../api/types";
import { inLanguage } from "../text/i18n";
import { DAY } from "./scale";

const MOST_CAMERAS = 9;

interface Props {
  today: string; // "2026-11-23"
  cameras: readonly Camera[];
  names: string[];
  reason: string;
  acts: HeadActs; // the same ones at each drawing
}

export interface HeadActs {
  goTo: (day: string) => void;
  choose: (names: string[]) => void;
  otherWhy: () => void;
}

export const PlaybackHead = memo(function PlaybackHead({ today, cameras, names, reason, acts }: Props) {
  const { t, i18n } = useTranslation();
  return (
    <header className="panel-head playback-head">
      <DatePicker
        value={dayjs(today)}
        allowClear={false}
        aria-label={t("playback.day")}
        disabledDate={(date) => date.valueOf() > Date.now() + DAY}
        onChange={(date: dayjs.Dayjs | null) => {
          if (date) acts.goTo(date.format("YYYY-MM-DD"));
        }}
      />
      <Select
        mode="multiple"
        className="playback-cameras"
        aria-label={t("playback.cameras")}
        maxCount={MOST_CAMERAS}
        maxTagCount="responsive"
        value={names}
        onChange={acts.choose}
        options={cameras.map(({ name, label }) => ({ value: name, label: inLanguage(label, i18n.language, name) }))}
      />
      <Tag className="reason">
        {t("playback.reason", { reason })}
        <Button
          type="text"
          size="small"
          icon={<EditOutlined aria-hidden />}
          aria-label={t("playback.otherWhy")}
          title={t("playback.otherWhy")}
          onClick={acts.otherWhy}
        />
      </Tag>
    </header>
  );
});
