//! The life of a Query: from its creation to its end and its removal.

use query_api::dialect::Dialect;
use query_api::query::Phase;
use testbed::kube_api::Verb;

use super::stage::*;

#[tokio::test(start_paused = true)]
async fn a_query_of_either_dialect_is_answered_with_three_writes_and_one_execution() {
    for dialect in Dialect::ALL {
        let stage = Stage::new(dialect);
        let running = stage.start();
        stage.create("q", "hello", &["m"]).await;
        let query = stage.until_phase("q", Phase::Done).await;
        let status = query.status.clone().unwrap();
        let mut responses = status.responses.iter().chain(&status.response);
        assert_eq!(responses.next().unwrap().content, "m says hello");
        assert_eq!(completed(&query).0, "QuerySucceeded");
        assert_eq!(status.token_usage.unwrap().total_tokens, 3);
        running.stop().await;
        let counts = stage.api.counts();
        assert_eq!(counts.get(Verb::Patch, "queries"), 1, "{dialect}: claim");
        assert_eq!(
            counts.get(Verb::Patch, "queries/status"),
            2,
            "{dialect}: running and done"
        );
        assert_eq!(counts.get(Verb::Get, "queries"), 0, "{dialect}: no reads");
        assert_eq!(stage.players.calls("q"), 1, "{dialect}");
    }
}
