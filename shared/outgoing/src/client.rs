//! Whoever asks others.

use crate::{
    allowed::Allowed,
    answer::Answer,
    breaker::{Breakers, Circuit, Trip},
    connection::exchange,
    failure::{Failure, Why},
    request::Request,
    resolve::{Resolve, SystemResolver},
    target::Target,
};
use jiff::Timestamp;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::time::timeout;

/// What bounds a request.
#[derive(Debug, Clone)]
pub struct Policy {
    /// For the look at a name, and again for the connection with its TLS.
    pub connect: Duration,
    /// For everything, up to the last byte of the answer.
    pub whole: Duration,
    /// Longest body of an answer, in bytes.
    pub most_bytes: usize,
    /// Who may be asked besides the public internet.
    pub allowed: Allowed,
    /// When a host is left alone, if ever.
    pub breaker: Option<Trip>,
}

impl Default for Policy {
    /// 3 seconds to connect, 10 for everything, 64 KiB, nobody but the internet.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            whole: Duration::from_secs(10),
            most_bytes: 64 * 1024,
            allowed: Allowed::default(),
            breaker: Some(Trip::default()),
        }
    }
}

/// Asks others, and remembers who does not answer. One for a process.
#[derive(Debug)]
pub struct Outgoing {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
    breakers: Option<Breakers>,
}

impl Outgoing {
    /// Asks within a policy. Names stand for what the machine says.
    pub fn new(policy: Policy) -> Self {
        Self::with_resolver(policy, Arc::new(SystemResolver))
    }

    /// Asks within a policy. Names stand for what a resolver says.
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolve>) -> Self {
        let breakers = policy.breaker.map(Breakers::new);
        Self { policy, resolver, breakers }
    }

    /// Whether a URL may be asked, as far as it says itself: what its name stands for is judged whenever it is asked.
    ///
    /// # Errors
    /// [`Failure`] with a [`Why`] up to [`Why::Private`].
    pub fn check(&self, url: &str) -> Result<(), Failure> {
        Target::new(url, &self.policy.allowed).map(drop)
    }

    /// Sends a request once, and reads the whole answer. `now` is for whom to leave alone.
    ///
    /// A [`Failure`] does not mean that it did not arrive: whoever was asked may have read it and not answered in time.
    ///
    /// # Errors
    /// [`Failure`]. An answer is none, whatever its status.
    pub async fn send(&self, request: &Request, now: Timestamp) -> Result<Answer, Failure> {
        let target = Target::new(request.url(), &self.policy.allowed)?;
        let circuit = Circuit { behalf: request.behalf().to_owned(), host: target.host.to_string(), port: target.port };
        if let Some(breakers) = &self.breakers {
            breakers.admit(&circuit, now).map_err(|until| target.failure(Why::NotAsked { until }))?;
        }
        let answer = timeout(self.policy.whole, self.ask(&target, request)).await.unwrap_or(Err(Why::TooSlow));
        if let Some(breakers) = &self.breakers {
            match &answer {
                // Whoever answers so says that the one behind does not.
                Ok(answer) if matches!(answer.status(), 502..=504) => breakers.failed(circuit, now),
                Ok(_) | Err(Why::TooLong { .. }) => breakers.answered(&circuit),
                Err(why) if why.is_of_host() => breakers.failed(circuit, now),
                Err(_) => {}
            }
        }
        answer.map_err(|why| target.failure(why))
    }

    async fn ask(&self, target: &Target, request: &Request) -> Result<Answer, Why> {
        let addresses = self.judged(target).await?;
        exchange(request.to(&target.url)?, addresses, self.policy.connect, self.policy.most_bytes).await
    }

    /// The addresses of a target, if it may be asked at each of them: one that is private among public ones is no oversight.
    async fn judged(&self, target: &Target) -> Result<Vec<IpAddr>, Why> {
        let addresses = match target.literal() {
            Some(address) => vec![address],
            None => {
                let name = target.host.to_string();
                let found = timeout(self.policy.connect, self.resolver.addresses(&name)).await;
                found.map_err(|_| Why::TooSlow)?.map_err(|_| Why::Unresolved)?
            }
        };
        if addresses.is_empty() {
            return Err(Why::Unresolved);
        }
        if !addresses.iter().all(|address| target.may_be(*address, &self.policy.allowed)) {
            return Err(Why::Private);
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::{collections::VecDeque, io, sync::Mutex};

    /// Says something else each time.
    #[derive(Debug)]
    struct Rebinding(Mutex<VecDeque<Vec<&'static str>>>);

    #[async_trait]
    impl Resolve for Rebinding {
        async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            let next = self.0.lock().expect("no panic").pop_front().ok_or(io::ErrorKind::NotFound)?;
            Ok(next.into_iter().map(|address| address.parse().expect("an address")).collect())
        }
    }

    fn saying(answers: &[&[&'static str]]) -> Outgoing {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Outgoing::with_resolver(Policy::default(), Arc::new(Rebinding(Mutex::new(answers))))
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_judged_each_time() {
        let outgoing = saying(&[
            &["1.1.1.1", "2606:4700::1111"],
            &["127.0.0.1"],
            &["1.1.1.1", "169.254.169.254"],
            &["2606:4700::1111", "::ffff:10.0.0.1"],
            &["64:ff9b::a00:1"],
            &[],
        ]);
        let target = Target::new("https://hooks.acme.example/", &Allowed::default()).expect("a target");
        let internet: [IpAddr; 2] = ["1.1.1.1", "2606:4700::1111"].map(|address| address.parse().expect("an address"));
        assert_eq!(outgoing.judged(&target).await, Ok(internet.to_vec()));
        for _ in 0..4 {
            assert_eq!(outgoing.judged(&target).await, Err(Why::Private));
        }
        for _ in 0..2 {
            assert_eq!(outgoing.judged(&target).await, Err(Why::Unresolved));
        }
    }

    #[tokio::test]
    async fn an_address_is_not_looked_up() {
        let outgoing = saying(&[]);
        let target = Target::new("https://1.1.1.1/", &Allowed::default()).expect("a target");
        assert_eq!(outgoing.judged(&target).await, Ok(vec![IpAddr::from([1, 1, 1, 1])]));
    }

    #[tokio::test]
    async fn what_is_refused_closes_no_host() {
        let outgoing = saying(&[&["10.0.0.1"][..]; 10]);
        let request = Request::get("https://hooks.acme.example/");
        for _ in 0..10 {
            let refused = outgoing.send(&request, Timestamp::UNIX_EPOCH).await.map(|answer| answer.status());
            assert_eq!(refused, Err(Failure::new("hooks.acme.example", Why::Private)));
        }
    }

    #[test]
    fn a_url_is_checked_before_it_is_kept() {
        let outgoing = Outgoing::new(Policy::default());
        assert_eq!(outgoing.check("https://hooks.acme.example/services/secret"), Ok(()));
        assert_eq!(outgoing.check("https://[::1]/"), Err(Failure::new("[::1]", Why::Private)));
    }
}
