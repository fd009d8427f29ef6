// Zones and masks of one camera, drawn on its live picture. Admins draw; others see what is drawn.

import { AimOutlined, DeleteOutlined, EyeInvisibleOutlined, PlusOutlined, SaveOutlined } from "@ant-design/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Popconfirm, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { draw, drawingOf, relearn } from "../api/calls";
import { Problem } from "../api/http";
import type { Camera, Drawing, KnownDrawing, Point } from "../api/types";
import { open } from "../frame/pages";
import type { PageProps } from "../frame/Shell";
import { useFeed } from "../live/store";
import { inLanguage } from "../text/i18n";
import { MaskForm } from "./MaskForm";
import { freshName, whole } from "./shapes";
import { Surface, type Shape } from "./Surface";
import { ZoneForm } from "./ZoneForm";

const SQUARE = { sensitivity: 50, dwell_s: 1, windows: [], door: null };
type Kind = "zone" | "mask";

export default function DrawPage({ user, query }: PageProps) {
  const { t, i18n } = useTranslation();
  const cameras = useFeed((feed) => feed.cameras);
  const camera = cameras.find(({ name }) => name === query.get("camera")) ?? cameras[0];
  if (!camera) return <p className="empty">{t("cameras.none")}</p>;
  return (
    <main className="panel draw">
      <header className="panel-head">
        <h2>{t("seeing.title")}</h2>
        <Select<string>
          className="draw-camera"
          value={camera.name}
          aria-label={t("seeing.camera")}
          options={cameras.map(({ name, label }) => ({ value: name, label: inLanguage(label, i18n.language, name) }))}
          onChange={(name) => open("cameras", { camera: name })}
        />
      </header>
      <Loaded key={camera.name} camera={camera} editable={user.role === "admin"} />
    </main>
  );
}

/** Waits for what is drawn already. */
function Loaded({ camera, editable }: { camera: Camera; editable: boolean }) {
  const { t } = useTranslation();
  const { data, error } = useQuery({
    queryKey: ["drawing", camera.name],
    queryFn: () => drawingOf(camera.name),
    refetchInterval: 5000,
  });
  if (!data) return error && <p className="empty">{t("seeing.away")}</p>;
  return <Draw camera={camera} known={data} editable={editable} />;
}

function Draw({ camera, known, editable }: { camera: Camera; known: KnownDrawing; editable: boolean }) {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const doors = useFeed((feed) => feed.doors).filter(({ name }) => camera.doors?.includes(name));
  const [begun, setBegun] = useState<Drawing>(known.drawing); // what the changes are made to
  const [drawing, setDrawing] = useState<Drawing>(begun);
  const [chosen, setChosen] = useState<string | null>(null);
  const [fresh, setFresh] = useState<{ kind: Kind; polygon: Point[] } | null>(null);
  const [fault, setFault] = useState("");
  const { zones, masks } = drawing;
  const shapes: Shape[] = [
    ...zones.map((each, n) => ({ key: `zone:${n}`, kind: "zone" as const, name: each.name, polygon: each.polygon })),
    ...masks.map((each, n) => ({ key: `mask:${n}`, kind: "mask" as const, name: each.name, polygon: each.polygon })),
  ];
  const [kind, number] = [chosen?.split(":")[0], Number(chosen?.split(":")[1])];
  const zone = kind === "zone" ? zones[number] : undefined;
  const mask = kind === "mask" ? masks[number] : undefined;
  const changed = drawing !== begun || fresh !== null;
  const newer = known.drawing.revision > begun.revision;
  const take = (next: Drawing) => {
    setBegun(next);
    setDrawing(next);
    setChosen(null);
    setFresh(null);
    setFault("");
  };
  if (newer && !changed) take(known.drawing); // what somebody else saved; over changes of one's own it waits

  const reshape = (key: string, polygon: Point[]) => {
    const [of, at] = [key.split(":")[0], Number(key.split(":")[1])];
    const over = <T extends { polygon: Point[] }>(all: T[]) =>
      all.map((each, n) => (n === at ? { ...each, polygon } : each));
    setDrawing(of === "zone" ? { ...drawing, zones: over(zones) } : { ...drawing, masks: over(masks) });
  };
  const finish = () => {
    if (!fresh || !whole(fresh.polygon)) return;
    const name = freshName(t(`seeing.${fresh.kind}`), fresh.kind === "zone" ? zones.map(nameOf) : masks.map(nameOf));
    const shape = { name, polygon: fresh.polygon };
    setDrawing(
      fresh.kind === "zone"
        ? { ...drawing, zones: [...zones, { ...SQUARE, ...shape }] }
        : { ...drawing, masks: [...masks, shape] },
    );
    setChosen(`${fresh.kind}:${fresh.kind === "zone" ? zones.length : masks.length}`);
    setFresh(null);
  };
  const drop = () => {
    const without = <T,>(all: T[]) => all.filter((_, n) => n !== number);
    setDrawing(kind === "zone" ? { ...drawing, zones: without(zones) } : { ...drawing, masks: without(masks) });
    setChosen(null);
  };
  const save = () =>
    draw(camera.name, drawing).then(
      (saved) => {
        take(saved);
        return queries.invalidateQueries({ queryKey: ["drawing", camera.name] });
      },
      (error: unknown) =>
        setFault(t(error instanceof Problem && error.status === 412 ? "seeing.stale" : "seeing.refused")),
    );

  return (
    <div className="draw-columns">
      <Surface
        camera={camera.name}
        label={inLanguage(camera.label, i18n.language, camera.name)}
        shapes={shapes}
        chosen={chosen}
        drawing={fresh?.polygon ?? null}
        editable={editable}
        onChoose={setChosen}
        onCorner={(at) => fresh && setFresh({ ...fresh, polygon: [...fresh.polygon, at].slice(0, 32) })}
        onChange={reshape}
      />
      <aside className="draw-side">
        <p className={`held tone-${known.held === known.drawing.revision ? "ok" : "warn"}`} role="status">
          {heldWords(t, known)}
        </p>
        {editable && !fresh && (
          <div className="draw-acts">
            <Button icon={<PlusOutlined aria-hidden />} onClick={() => setFresh({ kind: "zone", polygon: [] })}>
              {t("seeing.addZone")}
            </Button>
            <Button icon={<EyeInvisibleOutlined aria-hidden />} onClick={() => setFresh({ kind: "mask", polygon: [] })}>
              {t("seeing.addMask")}
            </Button>
          </div>
        )}
        {fresh && (
          <div className="draw-fresh" role="status">
            <p>{t("seeing.drawHint", { count: fresh.polygon.length })}</p>
            <Button type="primary" disabled={!whole(fresh.polygon)} onClick={finish}>
              {t("seeing.finish")}
            </Button>
            <Button onClick={() => setFresh(null)}>{t("seeing.cancel")}</Button>
          </div>
        )}
        <ul className="shape-list">
          {shapes.map(({ key, kind: of, name }) => (
            <li key={key}>
              <button type="button" aria-pressed={key === chosen} onClick={() => setChosen(key)}>
                <span className={`swatch swatch-${of}`} aria-hidden /> {name}
                <span className="dim">{t(`seeing.${of}`)}</span>
              </button>
            </li>
          ))}
          {shapes.length === 0 && <li className="dim">{t("seeing.nothing")}</li>}
        </ul>
        {zone && (
          <ZoneForm
            zone={zone}
            doors={doors}
            editable={editable}
            onChange={(next) => setDrawing({ ...drawing, zones: zones.map((each, n) => (n === number ? next : each)) })}
          />
        )}
        {mask && (
          <MaskForm
            mask={mask}
            editable={editable}
            onChange={(next) => setDrawing({ ...drawing, masks: masks.map((each, n) => (n === number ? next : each)) })}
          />
        )}
        {editable && (zone ?? mask) && (
          <Button danger icon={<DeleteOutlined aria-hidden />} onClick={drop}>
            {t("seeing.drop")}
          </Button>
        )}
        {(fault || newer) && (
          <p className="tone-bad" role="alert">
            {fault || t("seeing.stale")}
          </p>
        )}
        {editable && (
          <div className="draw-acts draw-end">
            <Button
              type="primary"
              icon={<SaveOutlined aria-hidden />}
              disabled={drawing === begun || newer}
              onClick={() => void save()}
            >
              {t("seeing.save")}
            </Button>
            <Button disabled={!changed} onClick={() => take(newer ? known.drawing : begun)}>
              {t("seeing.undo")}
            </Button>
            <Popconfirm title={t("seeing.relearnAsk")} onConfirm={() => void relearn(camera.name)}>
              <Button icon={<AimOutlined aria-hidden />} title={t("seeing.relearnHint")}>
                {t("seeing.relearn")}
              </Button>
            </Popconfirm>
          </div>
        )}
      </aside>
    </div>
  );
}

const nameOf = ({ name }: { name: string }) => name;

function heldWords(t: ReturnType<typeof useTranslation>["t"], { drawing, held, watched }: KnownDrawing): string {
  if (held === null || held === undefined) return t("seeing.held.away");
  if (held !== drawing.revision) return t("seeing.held.waiting");
  return watched ? t("seeing.held.watched") : t("seeing.held.unwatched");
}
