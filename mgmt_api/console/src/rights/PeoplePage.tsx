// Residents at the desk: find one, see the credentials, stop or restore one with a reason, see where it leads.

import { SearchOutlined } from "@ant-design/icons";
import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { findResidents, PAGE, type Resident } from "../api/rights";
import { problemText } from "../frame/problem_text";
import type { PageProps } from "../frame/Shell";
import { named } from "../text/i18n";
import { CredentialRow } from "./CredentialRow";
import { Reveal } from "./Reveal";
import { Where } from "./Where";

function ResidentCard({ resident, mayStop }: { resident: Resident; mayStop: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const refresh = () => void queries.invalidateQueries({ queryKey: ["residents"] });
  return (
    <li className="resident" data-resident={resident.id}>
      <header className="resident-head">
        <strong>{resident.name}</strong>
        <span>{resident.unit}</span>
        <span className="badge">{named(t, "holderClass", resident.holder_class)}</span>
        <Reveal resident={resident} may={mayStop} />
      </header>
      <ul className="held">
        {resident.credentials.map((credential) => (
          <CredentialRow key={credential.id} credential={credential} mayStop={mayStop} onDone={refresh} />
        ))}
      </ul>
      {resident.credentials.length === 0 ? (
        <p className="dim">{t("people.noCredential")}</p>
      ) : (
        <Where resident={resident} />
      )}
    </li>
  );
}

export default function PeoplePage({ user }: PageProps) {
  const { t } = useTranslation();
  const [query, setQuery] = useState("");
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["residents", query],
    queryFn: ({ pageParam }) => findResidents(query, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page[page.length - 1]?.id),
    placeholderData: keepPreviousData,
  });
  const found = data?.pages.flat();
  return (
    <main className="people">
      <section className="panel" aria-label={t("people.title")}>
        <header className="panel-head">
          <h2>{t("people.title")}</h2>
          <Input
            autoFocus
            allowClear
            className="people-search"
            prefix={<SearchOutlined aria-hidden />}
            placeholder={t("people.search")}
            aria-label={t("people.search")}
            onChange={(event) => setQuery(event.target.value.trim())}
          />
        </header>
        {error && <p className="empty">{problemText(t, error)}</p>}
        {isPending && <p className="empty">{t("people.loading")}</p>}
        {found?.length === 0 && <p className="empty">{t("people.nobody")}</p>}
        <ul className="residents">
          {found?.map((resident) => (
            <ResidentCard key={resident.id} resident={resident} mayStop={user.role !== "auditor"} />
          ))}
        </ul>
        {hasNextPage && (
          <Button type="text" block loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t("people.more", { count: found?.length ?? 0 })}
          </Button>
        )}
      </section>
    </main>
  );
}
