//! The engine and the simulation say the same of every packet.

use crate::flows::{Flow, edges, flows, holds, holds_far, packets};
use crate::generate::network;
use crate::oracle::{Fate, Oracle, Packet, Place};
use crate::seeds;
use fastrand::Rng;
use yagura_network::Network;
use yagura_network::estate::Estate;
use yagura_network::packet::PacketSet;

/// What becomes of a packet where translators may choose any port: the best fate.
fn best(estate: &Estate, from: &Place, packet: Packet, chosen: &[u16]) -> Fate {
    let mut best: Option<Fate> = None;
    for port in chosen {
        let fate = Oracle { estate, chosen: *port }.send(from, packet);
        let translated = fate.translated;
        if best.as_ref().is_none_or(|b| (fate.there.is_some(), fate.back) > (b.there.is_some(), b.back)) {
            best = Some(fate);
        }
        if !translated {
            break;
        }
    }
    best.unwrap()
}

fn chosen(edges: &[u16]) -> Vec<u16> {
    edges.iter().copied().filter(|p| *p >= 1024).collect()
}

#[test]
fn engine_and_simulation_agree_on_every_packet() {
    let (mut asked, mut yes, mut lost, mut elsewhere, mut wrong) = (0, 0, 0, 0, Vec::new());
    for seed in seeds(150) {
        let estate = network(seed);
        let net = Network::new(estate.clone());
        let mut rng = Rng::with_seed(seed ^ 0x5eed);
        let edges = edges(&estate);
        for flow in flows(&estate, &mut rng, 40) {
            let outcome = net.outcome(&flow.trial(), &PacketSet::all());
            if let Some(missing) = outcome.missing().first() {
                wrong.push(format!("seed {seed}: {flow:?} hangs on {missing}"));
                continue;
            }
            let named = net.outcome(&flow.named_trial(&net), &PacketSet::all());
            let mut trials = packets(&edges, &mut rng);
            let samples = [&outcome.there.0, &outcome.both.0].into_iter().filter_map(PacketSet::sample);
            trials.extend(samples.map(|b| (b.protocol.0, b.src_port.0, b.dst_port.0)).filter(|p| p.0 != 1));
            for ports in trials {
                let fate = best(&estate, &flow.from, flow.packet(ports), &chosen(&edges));
                let there = holds(&outcome.there.0, ports);
                let both = holds(&outcome.both.0, ports);
                asked += 1;
                elsewhere += u32::from(fate.there.is_some() && fate.there.as_ref() != Some(&flow.to));
                let fits = fate.there.as_ref() == Some(&flow.to);
                if flow.to.interface().is_some() && holds(&named.both.0, ports) != (fits && fate.back) {
                    wrong.push(format!("seed {seed}: {flow:?} {ports:?}: by its name, simulation {fate:?}"));
                }
                yes += u32::from(both);
                lost += u32::from(there && !both);
                if (there, both) != (fate.there.is_some(), fate.back) {
                    wrong.push(format!(
                        "seed {seed}: {flow:?} {ports:?}: engine {:?}, simulation {fate:?}",
                        (there, both)
                    ));
                    break;
                }
            }
        }
    }
    println!(
        "{asked} packets: {yes} there and back, {lost} whose answer is lost, {elsewhere} to another with the same address; {} flows differ",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{} flows differ:\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
}

#[test]
fn a_far_end_stands_for_each_of_its_addresses() {
    let (mut asked, mut wrong) = (0, Vec::new());
    for seed in seeds(150) {
        let estate = network(seed);
        let net = Network::new(estate.clone());
        let mut rng = Rng::with_seed(seed ^ 0xfa5);
        let edges = edges(&estate);
        for flow in flows(&estate, &mut rng, 400).into_iter().filter(Flow::has_an_end_outside).take(30) {
            let (trial, far) = flow.far_trial();
            let outcome = net.outcome(&trial, &PacketSet::all());
            for ports in packets(&edges, &mut rng) {
                let fate = best(&estate, &flow.from, flow.packet(ports), &chosen(&edges));
                let there = holds_far(&outcome.there.0, Some(far), ports);
                let both = holds_far(&outcome.both.0, Some(far), ports);
                asked += 1;
                if (there, both) != (fate.there.is_some(), fate.back) {
                    wrong.push(format!(
                        "seed {seed}: {flow:?} {ports:?}: engine {:?}, simulation {fate:?}",
                        (there, both)
                    ));
                    break;
                }
            }
        }
    }
    println!("{asked} packets, {} flows differ", wrong.len());
    assert!(wrong.is_empty(), "{} flows differ:\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
}
