// Which day, which cameras, and why somebody looks.

import { EditOutlined } from "@ant-design/icons";
import { Button, DatePicker, Select, Tag } from "antd";
import dayjs from "dayjs";
import timezones from "dayjs/plugin/timezone";
import utc from "dayjs/plugin/utc";
import { memo, useEffect } from "react";
import { useTranslation } from "react-i18next";

import type { Camera } from "../api/types";
import { useSite } from "../frame/site";
import { inLanguage } from "../text/i18n";
import { reasonText } from "../text/reason";
import { day } from "../text/time";

dayjs.extend(utc);
dayjs.extend(timezones);

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
  const { timezone } = useSite();
  useEffect(() => dayjs.tz.setDefault(timezone), [timezone]); // the picker's "today" is the site's
  return (
    <header className="panel-head playback-head">
      <DatePicker
        value={dayjs(today)}
        allowClear={false}
        aria-label={t("playback.day")}
        disabledDate={(date) => date.format("YYYY-MM-DD") > day(Date.now(), timezone)}
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
        {t("playback.reason", { reason: reasonText(t, reason) })}
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
