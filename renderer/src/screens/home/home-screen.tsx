import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Page } from '../../frame/page.tsx';
import { orpc } from '../../lib/engine.ts';
import { EngineLink } from '../../parts/engine-link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { BundlesColumn, ComputerColumn, DeploymentsColumn, DevicesColumn, TrialsColumn } from './columns.tsx';
import styles from './home.module.css';
import { useHowThingsAre } from './how-things-are.tsx';

/** Lines of the audit log shown here. */
const LATELY = 12;

export function HomeScreen(): ReactNode {
  const activity = useQuery(orpc.activity.list.queryOptions({ input: { limit: LATELY } }));
  const { sentence, action } = useHowThingsAre();
  return (
    <Page title="Home" status={sentence} action={action}>
      <div className={styles.board}>
        <ComputerColumn />
        <BundlesColumn />
        <TrialsColumn />
        <DevicesColumn />
        <DeploymentsColumn />
      </div>
      <section className={styles.lately} aria-labelledby="lately">
        <div className={styles.latelyHead}>
          <h2 id="lately">What happened lately</h2>
          <Link to="/activity">All activity</Link>
        </div>
        <QueryView query={activity} what="Reading the audit log">
          {(lines) =>
            lines.length === 0 ? (
              <p className={styles.nothing}>Nothing yet. What is built, tried, deployed and rolled back is recorded here.</p>
            ) : (
              <ol className={styles.lines}>
                {lines.map((line) => (
                  <li key={line.seq}>
                    <span className={styles.when}>
                      <Moment at={line.at} />
                    </span>
                    <span className={styles.actor}>{line.actor}</span>
                    <span>
                      <EngineLink link={line.link} quiet>
                        {line.message}
                      </EngineLink>
                    </span>
                  </li>
                ))}
              </ol>
            )
          }
        </QueryView>
      </section>
    </Page>
  );
}
