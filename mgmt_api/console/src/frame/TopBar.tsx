import {
  BellFilled,
  BellOutlined,
  CheckCircleFilled,
  CloseCircleFilled,
  DisconnectOutlined,
  KeyOutlined,
  LoadingOutlined,
  LogoutOutlined,
  QuestionCircleOutlined,
  SearchOutlined,
  UserOutlined,
} from "@ant-design/icons";
import { Button, Dropdown, Input, type InputRef } from "antd";
import { useEffect, useState, type RefObject } from "react";
import { useTranslation } from "react-i18next";

import type { User } from "../api/types";
import { allowSound, useAudible } from "../events/sound";
import { useFeed, useFresh } from "../live/store";
import { inLanguage, named } from "../text/i18n";
import { day, timeOfDay } from "../text/time";
import { Mark } from "./Mark";
import { Nav } from "./Nav";
import type { PageName } from "./pages";
import { useSite } from "./site";
import { Switches } from "./Switches";

function SiteClock() {
  const { timezone } = useSite();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const id = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(id);
  }, []);
  return (
    <time className="site-clock" dateTime={new Date(now).toISOString()} title={day(now, timezone)}>
      <span className="dim">{day(now, timezone)}</span> {timeOfDay(now, timezone)}
    </time>
  );
}

function Link() {
  const { t } = useTranslation();
  const fresh = useFresh();
  const ready = useFeed((feed) => feed.ready);
  const [word, icon, tone] = fresh
    ? [t("bar.connected"), <CheckCircleFilled key="i" />, "ok"]
    : ready
      ? [t("bar.stale"), <DisconnectOutlined key="i" />, "bad"]
      : [t("bar.connecting"), <LoadingOutlined key="i" />, "calm"];
  return (
    <span className={`link tone-${tone}`} role="status">
      <span aria-hidden>{icon}</span> <span>{word}</span>
    </span>
  );
}

interface Props {
  user: User;
  page: PageName;
  filter: string;
  filterBox: RefObject<InputRef | null>;
  sound: boolean;
  onFilter: (filter: string) => void;
  onSound: (on: boolean) => void;
  onHelp: () => void;
  onPassword: () => void;
  onLogOut: () => void;
}

export function TopBar(props: Props) {
  const { user, page, filter, filterBox, sound, onFilter, onSound, onHelp, onPassword, onLogOut } = props;
  const { t, i18n } = useTranslation();
  const site = useSite();
  const audible = useAudible();
  const soundWord = !sound ? t("bar.soundOff") : audible ? t("bar.soundOn") : t("bar.soundAtPress");
  return (
    <header className="bar">
      <div className="brand">
        <Mark size={28} />
        <h1>{inLanguage(site.name, i18n.language, t("app"))}</h1>
      </div>
      <Nav role={user.role} page={page} />
      <Link />
      {page === "board" ? (
        <Input
          ref={filterBox}
          className="filter"
          allowClear={{ clearIcon: <CloseCircleFilled aria-label={t("bar.clear")} /> }}
          prefix={<SearchOutlined aria-hidden />}
          suffix={filter === "" ? <kbd aria-hidden>/</kbd> : null}
          placeholder={t("bar.filter")}
          aria-label={t("bar.filter")}
          aria-keyshortcuts="/"
          title={t("bar.filterKey")}
          value={filter}
          onChange={(event) => onFilter(event.target.value)}
        />
      ) : (
        <span className="filter" />
      )}
      <SiteClock />
      <div className="bar-acts">
        <Button
          type="text"
          className={sound && audible ? "" : "wanted"}
          icon={sound ? <BellFilled aria-hidden /> : <BellOutlined aria-hidden />}
          aria-pressed={sound}
          aria-label={soundWord}
          title={soundWord}
          onClick={() => {
            allowSound();
            if (!sound || audible) onSound(!sound); // a press may be what a page loaded anew waits for
          }}
        />
        <Switches />
        <Dropdown
          trigger={["click"]}
          menu={{
            items: [
              { key: "help", icon: <QuestionCircleOutlined aria-hidden />, label: t("bar.help"), onClick: onHelp },
              {
                key: "password",
                icon: <KeyOutlined aria-hidden />,
                label: t("bar.changePassword"),
                onClick: onPassword,
              },
              { type: "divider" },
              {
                key: "out",
                icon: <LogoutOutlined aria-hidden />,
                label: t("bar.logOut"),
                danger: true,
                onClick: onLogOut,
              },
            ],
          }}
        >
          <Button type="text" icon={<UserOutlined aria-hidden />} aria-label={`${t("bar.user")} ${user.username}`}>
            <span className="user-name">{user.username}</span>{" "}
            <span className="dim role">{named(t, "role", user.role)}</span>
          </Button>
        </Dropdown>
      </div>
    </header>
  );
}
