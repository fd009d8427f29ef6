// What stands on every page: the top bar, a lost connection, alarms. Below it, the page.

import type { InputRef } from "antd";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState, type ComponentType } from "react";
import { useTranslation } from "react-i18next";

import { logOut } from "../api/calls";
import type { AccessEvent, Door, User } from "../api/types";
import { StandingStrip } from "../doors/StandingStrip";
import { AlarmStrip } from "../events/AlarmStrip";
import { allowAtPress } from "../events/sound";
import { startLive, useFeed, useFresh, useFreshSince } from "../live/store";
import { timeOfDay } from "../text/time";
import { Board, WALL, type View } from "./Board";
import { Help } from "./Help";
import { useKeys } from "./keys";
import { MissingDays } from "./MissingDays";
import { open, pagesOf, placeOf, useFragment, type PageName } from "./pages";
import { prefer, usePreferences } from "./preferences";
import { useSite } from "./site";
import { TopBar } from "./TopBar";
import { CameraAlarmStrip } from "../seeing/CameraAlarmStrip";

export interface PageProps {
  user: User;
  query: URLSearchParams;
}

/** Every page but the board is loaded when it is first opened: `lazy(() => import(…))`. */
const CONTENT: Partial<Record<PageName, ComponentType<PageProps>>> = {
  people: lazy(() => import("../rights/PeoplePage")),
  footage: lazy(() => import("../video/FootagePage")),
  register: lazy(() => import("../register/RegisterPage")),
  "camera-alarms": lazy(() => import("../seeing/AlarmsPage")),
  cameras: lazy(() => import("../seeing/DrawPage")),
};

interface Props {
  user: User;
  onSessionLost: () => void;
  onLoggedOut: () => void;
  onPassword: () => void;
}

function StaleBanner() {
  const { t } = useTranslation();
  const { timezone } = useSite();
  const since = useFreshSince();
  const fresh = useFresh();
  const ready = useFeed((feed) => feed.ready);
  return (
    <div role="alert">
      {ready && !fresh && <div className="stale">{t("bar.staleBanner", { time: timeOfDay(since, timezone) })}</div>}
    </div>
  );
}

export function Shell({ user, onSessionLost, onLoggedOut, onPassword }: Props) {
  const { i18n } = useTranslation();
  const site = useSite();
  const fragment = useFragment();
  const [view, setView] = useState<View>(WALL);
  const [filter, setFilter] = useState("");
  const { sound } = usePreferences();
  const [help, setHelp] = useState(false);
  const filterBox = useRef<InputRef>(null);
  const stale = !useFresh();

  useEffect(() => startLive(onSessionLost), [onSessionLost]);
  useEffect(() => (sound ? allowAtPress() : undefined), [sound]);
  useEffect(() => {
    document.title = i18n.language === "zh-CN" ? site.name.zh : site.name.en;
  }, [site, i18n.language]);

  const show = useCallback((next: View) => {
    setView(next);
    open("board");
  }, []);
  const showDoor = useCallback((door: Door) => show({ ...WALL, door: door.name }), [show]);
  const showEvent = useCallback((event: AccessEvent) => show({ ...WALL, event }), [show]);

  useKeys(
    useMemo(
      () => ({
        "/": () => filterBox.current?.focus({ cursor: "all" }),
        "?": () => setHelp(true),
        Escape: () => {
          const box = filterBox.current;
          if (box && document.activeElement === box.input) {
            setFilter("");
            box.blur();
            return;
          }
          setView((known) => (known.camera !== null ? { ...known, camera: null } : WALL));
        },
      }),
      [],
    ),
  );

  const leave = () => {
    logOut().then(onLoggedOut, onSessionLost);
  };
  const { page: asked, query } = placeOf(fragment);
  const page = pagesOf(user.role).some(({ name }) => name === asked) ? asked : "board";
  const Content = CONTENT[page];
  return (
    <div className={`board${stale ? " is-stale" : ""}`}>
      <TopBar
        user={user}
        page={page}
        filter={filter}
        filterBox={filterBox}
        sound={sound}
        onFilter={setFilter}
        onSound={(on) => prefer({ sound: on })}
        onHelp={() => setHelp(true)}
        onPassword={onPassword}
        onLogOut={leave}
      />
      <div className="notices">
        <StaleBanner />
        <MissingDays />
        <StandingStrip mayOrder={user.role !== "auditor"} />
        <CameraAlarmStrip sound={sound} mayAck={user.role !== "auditor"} />
        <AlarmStrip sound={sound} onFootage={showEvent} onDoor={showDoor} />
      </div>
      {Content ? (
        <Suspense>
          <Content user={user} query={query} />
        </Suspense>
      ) : (
        <Board user={user} filter={filter} view={view} onView={setView} />
      )}
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  );
}
