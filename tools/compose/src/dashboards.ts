import type { Dashboard } from './dashboard.js';
import { CHECKOUT, REQUESTS, orZero, quantile, rate, requestsBy } from './queries.js';

const platform: Dashboard = {
  uid: 'platform',
  title: 'Platform',
  description: 'Rate, errors and duration of every service and of the gateway; what their processes take.',
  panels: [
    { title: 'Requests', unit: 'reqps', queries: { '{{job}}': requestsBy('job') } },
    {
      title: 'Errors',
      unit: 'percentunit',
      description: 'The share of requests that a service answered with 5xx.',
      queries: { '{{job}}': `(${orZero(requestsBy('job', '{status=~"5.."}'), requestsBy('job'))}) / ${requestsBy('job')}` },
    },
    {
      title: 'Duration',
      unit: 's',
      queries: { '{{job}} p50': quantile(0.5, `${REQUESTS}_bucket`, 'job'), '{{job}} p99': quantile(0.99, `${REQUESTS}_bucket`, 'job') },
    },
    {
      title: 'Gateway: answers',
      unit: 'reqps',
      queries: { '{{code}}': `sum by (code) (${rate('haproxy_frontend_http_responses_total{proxy="shop"}')})` },
    },
    {
      title: 'Gateway: errors',
      unit: 'percentunit',
      description: 'The share of all requests that a caller saw fail (5xx). The budget is 0.1 %.',
      queries: { '5 minutes': 'availability:errors:ratio5m', '1 hour': 'availability:errors:ratio1h' },
    },
    {
      title: 'Slowest routes, p99',
      unit: 's',
      queries: { '{{job}} {{route}}': `topk(10, ${quantile(0.99, `${REQUESTS}_bucket`, 'job', 'route')})` },
    },
    {
      title: 'Operations, as the traces tell',
      unit: 'reqps',
      queries: {
        '{{service_name}}': `sum by (service_name) (${rate('traces_span_metrics_calls_total{span_kind=~"SPAN_KIND_(SERVER|CONSUMER)"}')})`,
      },
    },
    { title: 'Processor', unit: 'percentunit', queries: { '{{instance}}': `sum by (instance) (${rate('process_cpu_seconds_total')})` } },
    { title: 'Memory', unit: 'bytes', queries: { '{{instance}}': 'sum by (instance) (process_resident_memory_bytes)' } },
  ],
};

const checkout: Dashboard = {
  uid: 'checkout',
  title: 'Checkout',
  description: 'From the accepted basket to the order that is final: the promise is 999 of 1,000 within 10 s.',
  panels: [
    {
      title: 'Checkouts',
      unit: 'reqps',
      queries: {
        accepted: `sum(${rate('ballast_checkouts_accepted_total')})`,
        '{{outcome}}': `sum by (outcome) (${rate('ballast_checkout_duration_seconds_count')})`,
      },
    },
    {
      title: 'Accepted to final',
      unit: 's',
      queries: { p50: quantile(0.5, CHECKOUT), p95: quantile(0.95, CHECKOUT), p99: quantile(0.99, CHECKOUT) },
    },
    {
      title: 'Not final within 10 s',
      unit: 'percentunit',
      description: 'The budget is 0.1 %.',
      queries: { '5 minutes': 'checkout:late:ratio5m', '1 hour': 'checkout:late:ratio1h' },
    },
    {
      title: 'Sagas that have not ended',
      unit: 'short',
      queries: { '{{definition}} {{state}}': 'max by (definition, state) (ballast_sagas)' },
    },
    {
      title: 'Start to end of a saga, p99',
      unit: 's',
      queries: { '{{definition}} {{outcome}}': quantile(0.99, 'ballast_saga_duration_seconds_bucket', 'definition', 'outcome') },
    },
    {
      title: 'Replies without effect',
      unit: 'reqps',
      description: 'Duplicates are normal after a restart. Late ones: a step took longer than its deadline.',
      queries: { '{{reason}}': `sum by (reason) (${rate('ballast_saga_replies_ignored_total')})` },
    },
    {
      title: 'Time in each service, p99',
      unit: 'ms',
      description: 'Of what is done for a message, by the traces.',
      queries: {
        '{{service_name}} {{span_name}}': quantile(
          0.99,
          'traces_span_metrics_duration_milliseconds_bucket{span_kind="SPAN_KIND_CONSUMER"}',
          'service_name',
          'span_name',
        ),
      },
    },
    {
      title: 'Calls to the card processor that have not settled',
      unit: 'short',
      queries: { '{{kind}}': 'max by (kind) (ballast_intents_pending)' },
    },
    { title: 'Reservations held for more than 15 minutes', unit: 'short', queries: { reservations: 'max(ballast_reservations_orphaned)' } },
  ],
};

const messages: Dashboard = {
  uid: 'messages',
  title: 'Outbox and consumers',
  description: 'What is written, what is on its way, what is read, and what could not be handled.',
  panels: [
    { title: 'Outbox: messages that wait', unit: 'short', queries: { '{{job}}': 'max by (job) (ballast_outbox_pending)' } },
    { title: 'Outbox: age of the oldest', unit: 's', queries: { '{{job}}': 'max by (job) (ballast_outbox_oldest_seconds)' } },
    { title: 'Sent', unit: 'reqps', queries: { '{{topic}}': `sum by (topic) (${rate('ballast_relay_published_total')})` } },
    { title: 'Consumer lag', unit: 'short', queries: { '{{job}} {{topic}}': 'sum by (job, topic) (ballast_consumer_lag)' } },
    {
      title: 'Handled',
      unit: 'reqps',
      queries: { '{{job}} {{outcome}}': `sum by (job, outcome) (${rate('ballast_consumer_messages_total')})` },
    },
    {
      title: 'Came before',
      unit: 'reqps',
      description: 'Their effect was not repeated.',
      queries: { '{{job}}': `sum by (job) (${rate('ballast_inbox_duplicates_total')})` },
    },
    { title: 'Dead letters that are open', unit: 'short', queries: { '{{job}}': 'max by (job) (ballast_dead_letters_open)' } },
    {
      title: 'Dead letters, in an hour',
      unit: 'short',
      queries: { '{{topic}} {{reason}}': 'sum by (topic, reason) (increase(ballast_dead_letters_total[1h]))' },
    },
    { title: 'Refused by the broker', unit: 'short', queries: { '{{job}}': 'max by (job) (ballast_outbox_parked)' } },
    {
      title: 'Partitions of Kafka',
      unit: 'short',
      description: 'Of the topics that are in use. Those that take no messages have no leader, or too few copies.',
      queries: {
        'lack a copy': 'sum(max by (topic) (ballast_topic_partitions{state="under_replicated"}))',
        'take no messages': 'sum(max by (topic) (ballast_topic_partitions{state="unwritable"}))',
      },
    },
  ],
};

const postgres: Dashboard = {
  uid: 'postgres',
  title: 'Postgres replication',
  description: 'Who is the primary, how far the others are behind, and how much there is to do.',
  panels: [
    {
      title: 'Primary',
      unit: 'short',
      description: '1: this server. Two of them at a time: see the runbook no-primary.',
      queries: { '{{instance}}': '1 - max by (instance) (pg_replication_is_replica)' },
    },
    { title: 'Services that can write', unit: 'short', queries: { '{{job}}': 'max by (job) (ballast_db_available)' } },
    {
      title: 'Changes of the primary, in an hour',
      unit: 'short',
      queries: { '{{job}}': 'max by (job) (increase(ballast_db_primary_changes_total[1h]))' },
    },
    { title: 'Behind the primary, time', unit: 's', queries: { '{{instance}}': 'max by (instance) (pg_replication_lag_seconds)' } },
    {
      title: 'Behind the primary, as it tells',
      unit: 'bytes',
      queries: { '{{application_name}}': 'max by (application_name) (pg_stat_replication_pg_wal_lsn_diff)' },
    },
    {
      title: 'Timeline (ha)',
      unit: 'short',
      description: 'One higher after each failover.',
      queries: { '{{instance}}': 'max by (instance) (patroni_postgres_timeline)' },
    },
    {
      title: 'Connections',
      unit: 'short',
      queries: {
        '{{instance}} {{state}}': 'sum by (instance, state) (pg_stat_activity_count)',
        'limit of {{instance}}': 'max by (instance) (pg_settings_max_connections)',
      },
    },
    {
      title: 'Commits',
      unit: 'reqps',
      queries: {
        '{{instance}} {{datname}}': `sum by (instance, datname) (${rate('pg_stat_database_xact_commit{datname!~"|postgres|template."}')}) > 0`,
      },
    },
    { title: 'Size', unit: 'bytes', queries: { '{{datname}}': 'max by (datname) (pg_database_size_bytes{datname!~"template."})' } },
  ],
};

const resilience: Dashboard = {
  uid: 'resilience',
  title: 'Resilience',
  description: 'What was retried, turned away or cut off, and what it was for.',
  panels: [
    {
      title: 'Calls under a policy',
      unit: 'reqps',
      queries: { '{{policy}} {{event}}': `sum by (policy, event) (${rate('ballast_policy_events_total')})` },
    },
    { title: 'Breakers that are open', unit: 'short', queries: { '{{job}} {{policy}}': 'max by (job, policy) (ballast_policy_open)' } },
    {
      title: 'Turned away politely (429, 503)',
      unit: 'reqps',
      queries: { '{{job}}': orZero(requestsBy('job', '{status=~"429|503"}'), requestsBy('job')) },
    },
    {
      title: 'Gateway: asked again, asked elsewhere',
      unit: 'reqps',
      queries: {
        '{{proxy}} again': `sum by (proxy) (${rate('haproxy_backend_retry_warnings_total')})`,
        '{{proxy}} elsewhere': `sum by (proxy) (${rate('haproxy_backend_redispatch_warnings_total')})`,
      },
    },
    { title: 'Gateway: servers in use', unit: 'short', queries: { '{{proxy}}': 'min by (proxy) (haproxy_backend_active_servers)' } },
    {
      title: 'Gateway: time in the queue and to connect',
      unit: 's',
      queries: {
        '{{proxy}} queue': 'max by (proxy) (haproxy_backend_queue_time_average_seconds)',
        '{{proxy}} connect': 'max by (proxy) (haproxy_backend_connect_time_average_seconds)',
      },
    },
    { title: 'Instances', unit: 'short', queries: { '{{job}}': 'sum by (job) (up)' } },
    {
      title: 'Restarts, in an hour',
      unit: 'short',
      queries: { '{{instance}}': 'sum by (instance) (changes(process_start_time_seconds[1h]))' },
    },
    {
      title: 'Event loop, p99',
      unit: 's',
      description: 'How late a service’s own timers are. Above 0.1 s it does too much at once.',
      queries: { '{{instance}}': 'max by (instance) (nodejs_eventloop_lag_p99_seconds)' },
    },
    {
      title: 'Callers that wait for a connection',
      unit: 'short',
      queries: { '{{job}}': 'sum by (job) (ballast_db_pool{state="waiting"})' },
    },
  ],
};

/** Every dashboard. A test asks each panel's queries of a Prometheus under load, and finds something. */
export const dashboards: readonly Dashboard[] = [platform, checkout, messages, postgres, resilience];
