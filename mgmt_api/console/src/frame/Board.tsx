// The one page of a shift: doors left, pictures in the middle, events right, alarms above all.

import type { InputRef } from "antd";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { logOut } from "../api/calls";
import type { AccessEvent, Door, User } from "../api/types";
import { DoorList } from "../doors/DoorList";
import { AlarmStrip } from "../events/AlarmStrip";
import { EventFeed } from "../events/EventFeed";
import { startLive, useFeed, useFresh, useFreshSince } from "../live/store";
import { timeOfDay } from "../text/time";
import { CameraWall } from "../video/CameraWall";
import { Footage } from "../video/Footage";
import { Help } from "./Help";
import { useKeys } from "./keys";
import { useSite } from "./site";
import { TopBar } from "./TopBar";

interface Props {
  user: User;
  onSessionLost: () => void;
  onLoggedOut: () => void;
  onPassword: () => void;
}

/** What the middle shows: all cameras, one door's, one camera, or an event's footage. */
type View = { door: string | null; camera: string | null; event: AccessEvent | null };
const WALL: View = { door: null, camera: null, event: null };

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

export function Board({ user, onSessionLost, onLoggedOut, onPassword }: Props) {
  const { i18n } = useTranslation();
  const site = useSite();
  const [view, setView] = useState<View>(WALL);
  const [filter, setFilter] = useState("");
  const [sound, setSound] = useState(false);
  const [help, setHelp] = useState(false);
  const filterBox = useRef<InputRef>(null);
  const stale = !useFresh();

  useEffect(() => startLive(onSessionLost), [onSessionLost]);
  useEffect(() => {
    document.title = i18n.language === "zh-CN" ? site.name.zh : site.name.en;
  }, [site, i18n.language]);

  const showDoor = useCallback((door: Door) => setView({ ...WALL, door: door.name }), []);
  const showEvent = useCallback((event: AccessEvent) => setView({ ...WALL, event }), []);
  const showCamera = useCallback((camera: string | null) => setView((known) => ({ ...known, camera })), []);
  const showWall = useCallback(() => setView(WALL), []);

  useKeys(
    useMemo(
      () => ({
        "/": () => filterBox.current?.focus({ cursor: "all" }),
        "?": () => setHelp(true),
        Escape: () => {
          setHelp(false);
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
  return (
    <div className={`board${stale ? " is-stale" : ""}`}>
      <TopBar
        user={user}
        filter={filter}
        filterBox={filterBox}
        sound={sound}
        onFilter={setFilter}
        onSound={setSound}
        onHelp={() => setHelp(true)}
        onPassword={onPassword}
        onLogOut={leave}
      />
      <div className="notices">
        <StaleBanner />
        <AlarmStrip sound={sound} onFootage={showEvent} onDoor={showDoor} />
      </div>
      <main className="columns">
        <DoorList filter={filter} selected={view.door} mayUnlock={user.role !== "auditor"} onSelect={showDoor} />
        {view.event ? (
          <Footage key={view.event.cursor} event={view.event} onBack={showWall} />
        ) : (
          <CameraWall door={view.door} camera={view.camera} onCamera={showCamera} onWall={showWall} />
        )}
        <EventFeed filter={filter} selected={view.event?.cursor ?? null} onOpen={showEvent} />
      </main>
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  );
}
