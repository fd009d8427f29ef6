// One door's unlock order, told honestly: sent, confirmed, open by its contact, or failed and why.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { commandState, unlock } from "../api/calls";
import type { AccessEvent, CommandState, Door } from "../api/types";
import { refusalOf } from "../events/event_text";
import { problemText } from "../frame/problem_text";
import { useFeed } from "../live/store";

const ENDED = new Set(["Done", "Refused", "Expired", "Unknown"]);
const PASSAGES = new Set(["Taken", "NotTaken"]);
const SHOWN_MS = 20_000; // an ended order stays readable this long
const GIVE_UP_MS = 60_000; // then asking after it stops

export interface Order {
  phase: "sending" | "waiting" | "confirmed" | "opened" | "failed";
  text: string;
  at: number; // Unix milliseconds of the press
}

/** The state that is further on: the socket and the question may each be the first to know. */
function further(...states: (CommandState | undefined)[]): string {
  const words = states.map((state) => state?.state ?? "queued");
  return words.find((word) => ENDED.has(word)) ?? words.find((word) => word === "sent") ?? "queued";
}

/** What the door did with this very order; another person's passage through it proves nothing. */
function passageOf(events: readonly AccessEvent[], command: string | undefined): string {
  if (command === undefined) return "";
  const passages = events.filter(({ command_id, kind }) => command_id === command && PASSAGES.has(kind));
  return passages[passages.length - 1]?.kind ?? "";
}

export function useUnlock(door: Door): { order: Order | null; open: (reason: string) => void } {
  const { t } = useTranslation();
  const commands = useFeed((feed) => feed.commands);
  const [pressed, setPressed] = useState<number | null>(null);
  const sending = useMutation({ mutationFn: (reason: string) => unlock(door.name, reason) });
  const id = sending.data?.command_id;
  const passage = useFeed((feed) => passageOf(feed.events, id));
  const refusal = useFeed((feed) => (id === undefined ? "" : refusalOf(feed.events, id, t)));
  const told = id === undefined ? undefined : commands[id];
  const asked = useQuery({
    queryKey: ["command", id],
    queryFn: () => commandState(id ?? ""),
    enabled: id !== undefined && pressed !== null && !ENDED.has(told?.state ?? ""),
    refetchInterval: ({ state }) =>
      ENDED.has(state.data?.state ?? "") || Date.now() - (pressed ?? 0) > GIVE_UP_MS ? false : 1000,
  });
  const state = further(told, asked.data);
  const done = state === "Done";

  const ended = sending.isError || ENDED.has(state);
  useEffect(() => {
    if (!ended || pressed === null) return undefined;
    const id = setTimeout(() => setPressed(null), SHOWN_MS);
    return () => clearTimeout(id);
  }, [ended, pressed]);

  const open = (reason: string) => {
    setPressed(Date.now());
    sending.mutate(reason);
  };
  if (pressed === null) return { order: null, open };
  const order = (phase: Order["phase"], text: string): Order => ({ phase, text, at: pressed });
  if (sending.isError)
    return { order: order("failed", t("command.failed", { why: problemText(t, sending.error) })), open };
  if (id === undefined) return { order: order("sending", t("command.sending")), open };
  if (passage === "Taken") return { order: order("opened", t("command.opened")), open };
  if (passage === "NotTaken") return { order: order("confirmed", t("command.notOpened")), open };
  if (done) return { order: order("confirmed", t("command.Done")), open };
  if (ended && refusal) return { order: order("failed", t("command.failed", { why: refusal })), open };
  if (ended) return { order: order("failed", t(`command.${state}`)), open };
  return { order: order("waiting", t(state === "sent" ? "command.sent" : "command.queued")), open };
}
