// The small picture of an event, once there is one; it comes a moment after the event.

import { useState } from "react";

import { eventStillUrl } from "../api/calls";
import type { AccessEvent } from "../api/types";

const WIDTH = 160;
const YOUNG_MS = 15_000;
const AGAIN_MS = 2500;

export function Thumbnail({ event }: { event: AccessEvent }) {
  const [asked, setAsked] = useState(0);
  const [come, setCome] = useState(false);
  const [gone, setGone] = useState(false);
  const failed = () => {
    if (Date.now() - Date.parse(event.occurred_at) > YOUNG_MS) setGone(true);
    else setTimeout(() => setAsked((count) => count + 1), AGAIN_MS);
  };
  if (gone) return null;
  return (
    <img
      key={asked}
      className="event-thumb"
      style={{ visibility: come ? "visible" : "hidden" }}
      src={eventStillUrl(event.cursor, WIDTH)}
      loading="lazy"
      decoding="async"
      alt=""
      onLoad={() => setCome(true)}
      onError={failed}
    />
  );
}
