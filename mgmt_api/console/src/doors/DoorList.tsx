import { StopOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Door } from "../api/types";
import { useKeys, type KeyMap } from "../frame/keys";
import { useFeed } from "../live/store";
import { matches } from "../text/filter";
import { named } from "../text/i18n";
import { doorFace } from "./door_face";
import { DoorRow } from "./DoorRow";
import { LockdownForm } from "./LockdownForm";

interface Props {
  filter: string;
  selected: string | null;
  mayUnlock: boolean;
  mayEndless: boolean; // order a mode without an end
  onSelect: (door: Door) => void;
}

const haystack = (door: Door, state: string) => {
  const label = typeof door.label === "object" && door.label ? [door.label.zh, door.label.en] : [door.label ?? ""];
  return [door.name, String(door.number), state, ...label];
};

export function DoorList({ filter, selected, mayUnlock, mayEndless, onSelect }: Props) {
  const { t } = useTranslation();
  const doors = useFeed((feed) => feed.doors);
  const ready = useFeed((feed) => feed.ready);
  const [asking, setAsking] = useState<string | null>(null);
  const [setting, setSetting] = useState<string | null>(null);
  const [lockingDown, setLockingDown] = useState(false);
  const shown = useMemo(
    () =>
      doors.filter((door) => {
        const { group, word } = doorFace(door);
        return matches(filter, haystack(door, named(t, group, word)));
      }),
    [doors, filter, t],
  );
  const ask = useCallback(
    (door: Door | null) => {
      setAsking(door?.name ?? null);
      setSetting(null);
      if (door) onSelect(door);
    },
    [onSelect],
  );

  const set = useCallback(
    (door: Door | null) => {
      setSetting(door?.name ?? null);
      setAsking(null);
      if (door) onSelect(door);
    },
    [onSelect],
  );

  const keys: KeyMap = {};
  if (asking === null && setting === null && !lockingDown && mayUnlock) {
    shown.slice(0, 9).forEach((door, index) => {
      keys[String(index + 1)] = () => ask(door);
    });
  }
  useKeys(keys);

  return (
    <section className="panel doors" aria-label={t("doors.title")}>
      <header className="panel-head">
        <h2>{t("doors.title")}</h2>
        <span className="dim">
          {shown.length === doors.length
            ? t("doors.count", { count: doors.length })
            : `${shown.length} / ${doors.length}`}
        </span>
        {mayUnlock && (
          <Button
            danger
            size="small"
            icon={<StopOutlined aria-hidden />}
            aria-expanded={lockingDown}
            onClick={() => setLockingDown(!lockingDown)}
          >
            {t("lockdown.title")}
          </Button>
        )}
      </header>
      {lockingDown && <LockdownForm onClose={() => setLockingDown(false)} />}
      <ul className="door-list">
        {shown.map((door, index) => (
          <DoorRow
            key={door.name}
            door={door}
            hotkey={index < 9 ? String(index + 1) : null}
            selected={door.name === selected}
            asking={door.name === asking}
            setting={door.name === setting}
            mayEndless={mayEndless}
            onSet={set}
            mayUnlock={mayUnlock}
            onSelect={onSelect}
            onAsk={ask}
          />
        ))}
      </ul>
      {shown.length === 0 && (
        <p className="empty">{doors.length > 0 ? t("doors.noMatch") : ready && t("doors.none")}</p>
      )}
    </section>
  );
}
