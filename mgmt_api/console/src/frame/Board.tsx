// The page of a shift: doors left, pictures in the middle, events right.

import { useCallback, type Dispatch, type SetStateAction } from "react";

import type { AccessEvent, Door, User } from "../api/types";
import { DoorList } from "../doors/DoorList";
import { EventFeed } from "../events/EventFeed";
import { CameraWall } from "../video/CameraWall";
import { Footage } from "../video/Footage";

/** What the middle shows: all cameras, one door's, one camera, or an event's footage. */
export type View = { door: string | null; camera: string | null; event: AccessEvent | null };
export const WALL: View = { door: null, camera: null, event: null };

interface Props {
  user: User;
  filter: string;
  view: View;
  onView: Dispatch<SetStateAction<View>>;
}

export function Board({ user, filter, view, onView }: Props) {
  const showDoor = useCallback((door: Door) => onView({ ...WALL, door: door.name }), [onView]);
  const showEvent = useCallback((event: AccessEvent) => onView({ ...WALL, event }), [onView]);
  const showCamera = useCallback((camera: string | null) => onView((known) => ({ ...known, camera })), [onView]);
  const showWall = useCallback(() => onView(WALL), [onView]);
  return (
    <main className="columns">
      <DoorList
        filter={filter}
        selected={view.door}
        mayUnlock={user.role !== "auditor"}
        mayEndless={user.role === "admin"}
        onSelect={showDoor}
      />
      {view.event ? (
        <Footage key={view.event.cursor} event={view.event} onBack={showWall} />
      ) : (
        <CameraWall door={view.door} camera={view.camera} onCamera={showCamera} onWall={showWall} />
      )}
      <EventFeed filter={filter} selected={view.event?.cursor ?? null} onOpen={showEvent} />
    </main>
  );
}
