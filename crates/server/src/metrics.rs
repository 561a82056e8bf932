//! Counters of requests in the Prometheus text format. The handles are registered once, because
//! looking a metric up by its labels would cost more than many a request.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Upper bounds of the duration classes, in seconds.
const BOUNDS_S: [f64; 10] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0];

/// Parameter names that are remembered; a hostile client can't fill the memory with more.
const MAX_NAMES: usize = 1_000;

static METADATA: Metadata<'static> = Metadata::new("aureole", Level::INFO, None);

/// What `/metrics` shows.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// By hundreds of the status code.
    requests: Vec<Counter>,
    durations: Histogram,
    /// Single records by where they came from.
    from_memory: Counter,
    from_database: Counter,
    read_ahead: Counter,
    record_cache_bytes: Gauge,
    unknown: Mutex<HashSet<(&'static str, String)>>,
}

impl Metrics {
    pub fn new() -> Metrics {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets(&BOUNDS_S).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let requests = (0..6)
            .map(|hundreds| {
                let label = Label::new("status", format!("{hundreds}xx"));
                let key = Key::from_parts("aureole_requests_total", vec![label]);
                recorder.register_counter(&key, &METADATA)
            })
            .collect();
        let durations = recorder
            .register_histogram(&Key::from_name("aureole_request_duration_seconds"), &METADATA);
        let records = |from| {
            let labels = vec![Label::new("from", from)];
            recorder.register_counter(&Key::from_parts("aureole_records_total", labels), &METADATA)
        };
        let (from_memory, from_database) = (records("memory"), records("database"));
        let read_ahead = Key::from_name("aureole_records_read_ahead_total");
        let read_ahead = recorder.register_counter(&read_ahead, &METADATA);
        let record_cache_bytes =
            recorder.register_gauge(&Key::from_name("aureole_record_cache_bytes"), &METADATA);
        let handle = recorder.handle();
        let unknown = Mutex::default();
        Metrics {
            recorder,
            handle,
            requests,
            durations,
            from_memory,
            from_database,
            read_ahead,
            record_cache_bytes,
            unknown,
        }
    }

    /// Counts one answered request.
    pub fn request(&self, status: u16, duration: std::time::Duration) {
        if let Some(counter) = self.requests.get(usize::from(status / 100)) {
            counter.increment(1);
        }
        self.durations.record(duration.as_secs_f64());
    }

    /// Counts one record that a GET by id showed.
    pub fn record(&self, from_memory: bool) {
        let counter = if from_memory { &self.from_memory } else { &self.from_database };
        counter.increment(1);
    }

    /// Counts records that were read together with one that was asked for, and that one.
    pub fn read_ahead(&self, records: usize) {
        self.read_ahead.increment(records as u64);
    }

    /// Tells what the records in memory take, in bytes.
    pub fn record_cache(&self, bytes: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        self.record_cache_bytes.set(bytes as f64);
    }

    /// Counts a parameter that the route does not know.
    pub fn unknown_param(&self, path: &'static str, name: &str) {
        let mut known = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (path, name.to_owned());
        if known.len() >= MAX_NAMES && !known.contains(&entry) {
            return;
        }
        known.insert(entry);
        let labels = vec![Label::new("path", path), Label::new("name", name.to_owned())];
        let key = Key::from_parts("aureole_unknown_parameters_total", labels);
        self.recorder.register_counter(&key, &METADATA).increment(1);
    }

    /// Folds the samples of the histogram together; called now and then, so that they don't pile up.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// The Prometheus text.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}
