//! Doubly linked lists whose links lie inside the elements: push, pop and removal from the middle without a search and
//! without an allocation.

/// The end of a list.
const NONE: u32 = u32::MAX;

/// Where an element is linked; an element is in at most one list per link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    before: u32,
    after: u32,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            before: NONE,
            after: NONE,
        }
    }
}

/// What finds the link of an element by its id.
pub(super) trait Links {
    fn link(&mut self, id: u32) -> &mut Link;
}

/// A list of ids; the same [`Links`] must be given to every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    first: u32,
    last: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            first: NONE,
            last: NONE,
        }
    }
}

impl Chain {
    pub(super) fn first(&self) -> Option<u32> {
        (self.first != NONE).then_some(self.first)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    pub(super) fn push_back(&mut self, links: &mut impl Links, id: u32) {
        *links.link(id) = Link {
            before: self.last,
            after: NONE,
        };
        match self.last {
            NONE => self.first = id,
            last => links.link(last).after = id,
        }
        self.last = id;
    }

    pub(super) fn remove(&mut self, links: &mut impl Links, id: u32) {
        let Link { before, after } = std::mem::take(links.link(id));
        match before {
            NONE => self.first = after,
            before => links.link(before).after = after,
        }
        match after {
            NONE => self.last = before,
            after => links.link(after).before = before,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    struct Plain(Vec<Link>);

    impl Links for Plain {
        fn link(&mut self, id: u32) -> &mut Link {
            &mut self.0[id as usize]
        }
    }

    fn ids(chain: &Chain, links: &mut Plain) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut next = chain.first;
        while next != NONE {
            ids.push(next);
            next = links.link(next).after;
        }
        ids
    }

    proptest! {
        #[test]
        fn a_chain_keeps_the_order_of_a_deque(toggled in prop::collection::vec(0u32..8, 0..64)) {
            let mut links = Plain(vec![Link::default(); 8]);
            let mut chain = Chain::default();
            let mut expected = VecDeque::new();
            for id in toggled {
                if expected.contains(&id) {
                    chain.remove(&mut links, id);
                    expected.retain(|other| *other != id);
                } else {
                    chain.push_back(&mut links, id);
                    expected.push_back(id);
                }
                prop_assert_eq!(ids(&chain, &mut links), Vec::from(expected.clone()));
                prop_assert_eq!(chain.is_empty(), expected.is_empty());
            }
        }
    }
}
