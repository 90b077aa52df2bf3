//! Keys of the real terminal, read by a thread of its own and let go of when asked. What a key means is not known here.
//!
//! A thread, because [`EventStream`] does not come back once the window is closed: it reads the end over and over. The
//! signal that ends the review has to get through then.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use crossterm::event::{self, EventStream};
use futures_util::{Stream, StreamExt, stream};
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc, oneshot},
};

use super::Input;

/// Keys until the stream is dropped, and the moment after that at which nobody takes keys any more. Ends where there are no
/// more. Needs a tokio runtime around it.
pub(super) fn keys() -> (impl Stream<Item = Input> + Send, oneshot::Receiver<()>) {
    let (send, receive) = mpsc::unbounded_channel();
    let (done, let_go) = oneshot::channel();
    let runtime = Handle::current();
    thread::spawn(move || {
        runtime.block_on(read(&send));
        // The end of an EventStream leaves a call to wake up behind. Whoever polls next takes it, and overlooks a key that
        // came together with it until another comes. So it is taken here.
        let _ = event::poll(Duration::ZERO);
        let _ = done.send(());
    });
    let keys = stream::unfold(receive, async |mut receive| receive.recv().await.map(|input| (input, receive)));
    (keys, let_go)
}

/// Rung by the helper of an [`EventStream`] when it is done waiting for a key.
#[derive(Default)]
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Passes keys on until nobody wants them or there are no more.
async fn read(to: &mpsc::UnboundedSender<Input>) {
    let mut events = EventStream::new();
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    while !to.is_closed() {
        let input = match events.poll_next_unpin(&mut Context::from_waker(&waker)) {
            Poll::Ready(Some(Ok(event))) => Input::Event(event),
            Poll::Ready(Some(Err(error))) => Input::Lost(error.to_string()),
            Poll::Ready(None) => return,
            Poll::Pending => {
                tokio::select! {
                    biased;
                    () = to.closed() => {
                        // The helper may still be about to take a key. Dropping the stream calls it back; it rings then.
                        drop(events);
                        return bell.0.notified().await;
                    }
                    () = bell.0.notified() => continue,
                }
            }
        };
        let _ = to.send(input);
    }
}
