use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use payhook::local::{Down, How, LocalError, LocalEvent, LocalSettings, Status};

use super::support::{Place, free_port, quiet};

fn sqs(endpoint: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

#[tokio::test]
async fn what_it_holds_survives_down_and_up() {
    let place = Place::new().await;
    let up = place.up().await;
    assert!(matches!(up.how, How::Started { .. }));
    assert!(up.current);
    sqs(&up.endpoint)
        .create_queue()
        .queue_name("kept")
        .send()
        .await
        .expect("create");

    let down = place.emulator().down(&quiet).await.expect("down");
    assert!(
        matches!(down, Down::Stopped { killed: false, .. }),
        "{down:?}"
    );
    assert_eq!(
        place.emulator().status().await.expect("status"),
        Status::Stopped
    );

    let up = place.up().await;
    sqs(&up.endpoint)
        .get_queue_url()
        .queue_name("kept")
        .send()
        .await
        .expect("still there");
}

#[tokio::test]
async fn a_running_one_is_found_and_used() {
    let place = Place::new().await;
    let first = place.up().await;
    let second = place.up().await;
    assert_eq!(second.how, How::AlreadyRunning);
    assert_eq!(second.pid, first.pid);
    let Status::Running { own, .. } = place.emulator().status().await.expect("status") else {
        panic!("it runs");
    };
    assert!(own);
}

#[tokio::test]
async fn of_two_starts_at_once_one_starts_and_the_other_waits_and_uses_it() {
    let place = Place::new().await;
    let waited = Mutex::new(false);
    let listen = |event: LocalEvent| {
        if matches!(event, LocalEvent::WaitingForOther { .. }) {
            *waited.lock().expect("waited") = true;
        }
    };
    let (one, two) = (place.emulator(), place.emulator());
    let (one, two) = tokio::join!(one.up(&listen), two.up(&listen));
    let (one, two) = (one.expect("one"), two.expect("two"));
    assert_eq!(one.pid, two.pid);
    let started = |how: &How| matches!(how, How::Started { .. });
    assert!(started(&one.how) != started(&two.how));
    assert!(*waited.lock().expect("waited"));
}

#[tokio::test]
async fn only_this_machine_can_reach_it() {
    let place = Place::new().await;
    place.up().await;
    // Any other address of the loopback network stands for the other interfaces.
    let elsewhere = std::net::SocketAddr::from(([127, 0, 0, 2], place.settings.port));
    assert!(std::net::TcpStream::connect(elsewhere).is_err());
}

#[tokio::test]
async fn a_port_taken_by_something_else_is_reported_with_the_process_and_the_way_out() {
    let place = Place::new().await;
    let _other = std::net::TcpListener::bind(("127.0.0.1", place.settings.port)).expect("bind");
    let error = place.emulator().up(&quiet).await.expect_err("taken");
    assert!(matches!(error, LocalError::PortTaken { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&format!("pid {}", std::process::id())),
        "{text}"
    );
    assert!(text.contains("`port` under [local]"), "{text}");
    let status = place.emulator().status().await.expect("status");
    assert!(matches!(status, Status::PortTaken { .. }));
}

#[tokio::test]
async fn a_pid_file_of_a_process_that_is_gone_or_another_is_no_obstacle() {
    let place = Place::new().await;
    std::fs::create_dir_all(&place.settings.dir).expect("mkdir");
    let stale = format!(
        r#"{{"pid":{},"started":"long ago","port":1}}"#,
        std::process::id()
    );
    std::fs::write(place.settings.dir.join("emulator.pid"), stale).expect("write");
    assert_eq!(
        place.emulator().down(&quiet).await.expect("down"),
        Down::NotRunning
    );
    assert!(matches!(place.up().await.how, How::Started { .. }));
}

#[tokio::test]
async fn one_that_was_killed_is_started_again() {
    let place = Place::new().await;
    place.up().await;
    let pid = place.recorded_pid().expect("pid");
    // SAFETY: kill takes two integers.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    let down = place.emulator().down(&quiet).await.expect("down");
    assert!(matches!(down, Down::NotRunning | Down::Stopped { .. }));
    assert!(matches!(place.up().await.how, How::Started { .. }));
}

#[tokio::test]
async fn one_that_hangs_is_killed_but_not_without_saying_so() {
    let mut place = Place::new().await;
    place.settings.stop_limit = Duration::from_secs(1);
    place.up().await;
    let pid = place.recorded_pid().expect("pid");
    // SAFETY: kill takes two integers.
    unsafe { libc::kill(pid, libc::SIGSTOP) };
    let said = Mutex::new(Vec::new());
    let listen = |event| said.lock().expect("said").push(event);
    let down = place.emulator().down(&listen).await.expect("down");
    assert!(matches!(down, Down::Stopped { killed: true, .. }));
    let killing = LocalEvent::Killing {
        pid: pid.try_into().expect("pid"),
    };
    assert_eq!(*said.lock().expect("said"), [killing]);
}

#[tokio::test]
async fn one_that_is_too_busy_to_answer_is_waited_for_and_not_taken_for_something_else() {
    let place = Place::new().await;
    place.up().await;
    let pid = place.recorded_pid().expect("pid");
    // SAFETY: kill takes two integers.
    let signal = |number| unsafe { libc::kill(pid, number) };
    signal(libc::SIGSTOP);
    let later = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        signal(libc::SIGCONT);
    };
    let (up, ()) = tokio::join!(place.up(), later);
    assert_eq!(up.how, How::AlreadyRunning);
    assert_eq!(up.pid, pid.try_into().ok());
}

#[tokio::test]
async fn the_directory_has_one_emulator_whatever_port_is_asked_for() {
    let place = Place::new().await;
    let up = place.up().await;
    let elsewhere = LocalSettings {
        port: free_port(),
        ..place.settings.clone()
    };
    let emulator = payhook::local::Emulator::new(elsewhere);
    let error = emulator.up(&quiet).await.expect_err("its state is in use");
    assert!(matches!(error, LocalError::OnOtherPort { .. }), "{error}");
    let down = emulator.down(&quiet).await.expect("down");
    assert!(matches!(down, Down::Stopped { pid, .. } if Some(pid) == up.pid));
}

#[tokio::test]
async fn one_started_from_another_directory_is_used_but_not_stopped() {
    let theirs = Place::new().await;
    theirs.up().await;
    let mut ours = Place::new().await;
    ours.settings.port = theirs.settings.port;
    assert_eq!(ours.up().await.how, How::AlreadyRunning);
    let error = ours.emulator().down(&quiet).await.expect_err("not ours");
    assert!(
        matches!(error, LocalError::StartedElsewhere { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains(&theirs.settings.dir.display().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn a_given_endpoint_is_used_and_nothing_is_started() {
    let theirs = Place::new().await;
    let up = theirs.up().await;
    let mut ours = Place::new().await;
    ours.settings.endpoint = Some(up.endpoint.clone());
    let given = ours.up().await;
    assert_eq!((given.how, given.endpoint), (How::Given, up.endpoint));
    assert!(!ours.settings.dir.exists());
}

#[tokio::test]
async fn a_given_endpoint_that_is_silent_is_an_error_that_names_it() {
    let mut place = Place::new().await;
    place.settings.endpoint = Some(format!("http://127.0.0.1:{}", place.settings.port));
    let error = place.emulator().up(&quiet).await.expect_err("silent");
    assert!(
        error.to_string().contains(&place.settings.port.to_string()),
        "{error}"
    );
    assert!(!place.settings.dir.exists());
}

#[tokio::test]
async fn one_that_cannot_start_leaves_its_last_words_in_the_error() {
    let mut place = Place::new().await;
    let fake = place.dir.path().join("python");
    let script = r#"case "$*" in *metadata*) echo 1.5.33;; *) echo cannot bind >&2; exit 3;; esac"#;
    // Written by a child: a file this process holds open for writing cannot be run by a concurrent test's fork.
    let written = std::process::Command::new("sh")
        .args([
            "-c",
            r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod +x "$2""#,
        ])
        .args(["sh", script])
        .arg(&fake)
        .status();
    assert!(written.expect("sh").success());
    place.settings.ready_python = Some(fake);
    let error = place.emulator().up(&quiet).await.expect_err("it ends");
    assert!(matches!(error, LocalError::DiedAtStart { .. }), "{error}");
    assert!(error.to_string().contains("cannot bind"), "{error}");
}

#[tokio::test]
async fn without_python_it_says_what_to_install_or_name() {
    let mut place = Place::new().await;
    place.settings.ready_python = None;
    place.settings.python = "no-such-python".into();
    let error = place.emulator().up(&quiet).await.expect_err("no Python");
    let text = error.to_string();
    assert!(text.contains("no-such-python"), "{text}");
    assert!(text.contains("`python` under [local]"), "{text}");
}
