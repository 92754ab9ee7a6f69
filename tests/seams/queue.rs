//! The queue seam: every story is played on every home. A new home is one function in `homes` and
//! its name in the last line.

mod homes;
mod stories;

/// Plays every story on every home. Add a story to the list, once.
macro_rules! played_on {
    ($($home:ident),*) => { $(
        mod $home {
            play! { $home:
                a_message_arrives_with_its_body_and_its_age,
                a_large_send_has_an_outcome_for_each_entry,
                q2_no_more_than_asked_for,
                q1_a_leased_message_is_hidden_until_its_lease_ends,
                q1_a_renewed_lease_keeps_it_hidden,
                q3_a_renewal_after_the_end_does_no_harm,
                q5_a_receipt_out_of_date_counts_as_done,
                q14_handed_back_is_there_at_once,
                q7_a_retry_counts_and_waits,
                q8_received_too_often_goes_to_the_dead_letters,
                q26_buried_with_its_reason_and_its_body,
                q6_a_delay_is_kept_by_the_queue,
                the_same_id_twice_is_two_messages,
                many_hands_never_share_a_message,
                a_long_poll_ends_when_something_comes,
                a_long_poll_ends_when_nothing_comes,
                odd_bodies_travel_unchanged,
                nothing_to_do_is_done,
                facts_count_and_name_the_dead_letters,
                a_missing_queue_has_no_facts,
                making_a_queue_twice_makes_it_once,
                installations_do_not_see_each_other,
                a_look_takes_nothing,
            }
        }
    )* };
}

macro_rules! play {
    ($home:ident: $($story:ident),* $(,)?) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $story() {
            let home = crate::homes::$home().await;
            crate::stories::$story(&home).await;
        }
    )* };
}

played_on!(sqs, postgres);
