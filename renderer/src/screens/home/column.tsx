import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import styles from './home.module.css';

interface ColumnProps<Data> {
  title: string;
  to: '/computer' | '/bundles' | '/trials' | '/devices' | '/deployments';
  query: UseQueryResult<Data, unknown>;
  what: string;
  summary: (data: Data) => string;
  children: (data: Data) => ReactNode;
}

export function Column<Data>({ title, to, query, what, summary, children }: ColumnProps<Data>) {
  return (
    <section className={styles.column} aria-labelledby={`column-${title}`}>
      <h2 id={`column-${title}`}>
        <Link to={to}>{title}</Link>
      </h2>
      <QueryView query={query} what={what}>
        {(data) => (
          <>
            <p className={styles.summary}>{summary(data)}</p>
            <ul className={styles.items}>{children(data)}</ul>
          </>
        )}
      </QueryView>
    </section>
  );
}

export function Item({ name, link, at, children }: { name: string; link: ReactNode; at?: number; children: ReactNode }) {
  return (
    <li className={styles.item}>
      <div className={styles.itemHead}>
        <span className={styles.itemName} title={name}>
          {link}
        </span>
        {at !== undefined && (
          <span className={styles.when}>
            <Moment at={at} />
          </span>
        )}
      </div>
      <div className={styles.itemBody}>{children}</div>
    </li>
  );
}
