using System.Diagnostics;
using System.Globalization;
using System.Text;

using OnCache.Agent.Net;
using OnCache.Agent.Rules;

namespace OnCache.Agent.Tests.Rules;

/// <summary>Rules that change while they are followed: what is heard, how soon, and what is not worth a flush.</summary>
public sealed class HostRulesMonitorLiveTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("iptables -I FORWARD -j DROP")]
    [InlineData("nft add rule ip filter FORWARD ip daddr 10.244.2.9 drop")]
    [InlineData("nft add table bridge b\nnft add chain bridge b p { type filter hook prerouting priority 0; }\nnft add rule bridge b p drop")]
    [InlineData("nft delete table ip filter")]
    [InlineData("nft add element ip filter bad { 10.244.2.9 }")]
    [InlineData("nft add element ip filter nets { 10.244.2.0/24 }")]
    [InlineData("nft add element ip filter nets { 10.0.0.0-255.255.255.255 }")]
    [InlineData("nft add element ip filter full { 10.244.2.9 }")]
    [InlineData("nft add element ip filter services { 10.244.2.9 . tcp . 80 : drop }")]
    [InlineData("nft add element ip filter services { 10.244.2.9 . tcp . 80 : drop }\nnft delete element ip filter services { 10.244.2.9 . tcp . 80 : drop }")]
    [InlineData("nft add element ip filter large { 10.244.2.9 }")]
    [InlineData("iptables-legacy -I FORWARD -j DROP")]
    [InlineData("iptables -P FORWARD DROP")]
    [InlineData("nft add chain ip filter FORWARD { policy drop; }")]
    [InlineData("iptables-legacy -P FORWARD DROP")]
    [InlineData("nft add chain ip filter mine\nnft add rule ip filter mine ip daddr 10.244.2.9 drop\nnft add rule ip filter FORWARD jump mine")]
    public async Task A_change_that_packets_of_pods_can_meet_is_heard(string commands)
    {
        using var rules = NodeRules.Create().With(
            """
            iptables -A FORWARD -s 10.244.0.0/16 -p tcp -j ACCEPT
            nft add set ip filter bad { type ipv4_addr; }
            nft add rule ip filter FORWARD ip daddr @bad drop
            """).With(MoreSets);
        using var followed = Followed.Start(rules);

        rules.With(commands);

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
    }

    [Theory]
    [InlineData("iptables -A FORWARD -j MARK --set-mark 7", true)]
    [InlineData("iptables -t mangle -A FORWARD -j CONNMARK --restore-mark", true)]
    [InlineData("iptables -t mangle -A FORWARD -j CONNMARK --save-mark", false)]
    [InlineData("iptables -t mangle -A FORWARD -j CONNMARK --set-mark 7", false)]
    public async Task That_somebody_reads_marks_is_said_with_the_rules_that_were_read_for_it(string rule, bool sets)
    {
        using var rules = NodeRules.Create().With(rule);
        using var monitor = rules.Space.Run(() => HostRulesMonitor.Start(static index => $"if{index}"));
        monitor.Current.MarksAreRead.ShouldBeFalse();

        monitor.MarksAreRead = true;

        var state = (await monitor.Changes.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(s_patience, TestContext.Current.CancellationToken)).State;
        state.MarksAreRead.ShouldBeTrue();
        NodeRules.Kept(HostRulesView.Empty.Next(state, [], NodeRules.Devices, NodeRules.Outer).View).Contains("Flows: mark that a qdisc or filter may read").ShouldBe(sets);
    }

    [Theory]
    [InlineData("nft add rule ip filter FORWARD iifname docker0 drop")]
    [InlineData("nft add rule ip filter FORWARD ip daddr 8.8.8.8 drop")]
    [InlineData("nft add rule ip filter INPUT tcp dport 22 drop")]
    [InlineData("nft add table ip6 t")]
    [InlineData("nft add element ip filter bad { 8.8.8.8 }")]
    [InlineData("nft add element ip filter nets { 8.8.8.0/24, 9.0.0.0/8 }")]
    [InlineData("nft add element ip filter nets { 8.8.8.0/24 }\nnft flush set ip filter nets")]
    [InlineData("nft add element ip filter full { 8.8.8.8 }")]
    [InlineData("nft add element ip filter full { 8.8.8.8 }\nnft delete element ip filter full { 8.8.8.8 }")]
    [InlineData("nft add element ip filter services { 10.96.0.77 . tcp . 80 : drop }")]
    [InlineData("nft add element ip filter large { 8.8.8.8 }")]
    [InlineData("nft insert rule ip filter FORWARD ip daddr 8.8.8.8 accept")]
    [InlineData("nft add rule ip nat services ip daddr 10.96.0.77 tcp dport 80 dnat to 10.244.2.9")]
    public async Task What_cannot_concern_pods_flushes_nobody(string commands)
    {
        using var rules = NodeRules.Create().With(
            """
            iptables -A FORWARD -s 10.0.0.1 -j ACCEPT
            iptables -A INPUT -p udp --dport 8472 -j ACCEPT
            nft add set ip filter bad { type ipv4_addr; }
            nft add rule ip filter FORWARD ip daddr @bad drop
            iptables -t nat -N services
            iptables -t nat -A PREROUTING -j services
            """).With(MoreSets);
        using var followed = Followed.Start(rules);

        rules.With(commands);
        // What comes after it shows that it was read.
        rules.With("nft add rule ip filter FORWARD ip daddr 10.244.2.200 drop");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        followed.Flushes.ShouldBe(1);
    }

    [Fact]
    public async Task Elements_of_an_ipset_are_looked_at_within_five_seconds()
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/ipset"), "needs ipset (Debian package ipset)");
        using var rules = NodeRules.Create().With("ipset create bad hash:ip\niptables -A FORWARD -m set --match-set bad dst -j DROP");
        using var followed = Followed.Start(rules);
        // The first look is after its rule was read: what came between the two is not known.
        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();

        rules.With("ipset add bad 8.8.8.8");
        await Task.Delay(HostRulesMonitor.Look * 1.5, TestContext.Current.CancellationToken);
        followed.Flushes.ShouldBe(1);
        rules.With("ipset add bad 10.244.2.9");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
    }

    /// <summary>Whoever talks to itself does so within its node, and a rule for the source is nothing to who is a destination.</summary>
    [Theory]
    [InlineData("10.244.1.5,tcp:80,10.244.1.5", "10.244.2.9,tcp:80,10.244.1.5")]
    [InlineData("10.96.0.1,tcp:80,10.244.1.5", "10.244.1.5,tcp:80,10.244.2.9")]
    public async Task An_entry_of_two_addresses_concerns_who_has_them_on_the_sides_that_the_rule_asks_for(string hairpin, string between)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/ipset"), "needs ipset (Debian package ipset)");
        using var rules = NodeRules.Create().With(
            "ipset create loop hash:ip,port,ip\nipset create named hash:ip\niptables -t nat -A POSTROUTING -m set --match-set loop dst,dst,src -j MASQUERADE\niptables -A FORWARD -s 10.244.1.5 -m set --match-set named src -j ACCEPT");
        using var followed = Followed.Start(rules);
        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();

        rules.With($"ipset add loop {hairpin}\nipset add named 10.244.2.9");
        await Task.Delay(HostRulesMonitor.Look * 1.5, TestContext.Current.CancellationToken);
        followed.Flushes.ShouldBe(1);
        rules.With($"ipset add loop {between}");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
    }

    /// <summary>An ipset's name is octets.</summary>
    [Fact]
    public async Task Elements_of_an_ipset_whose_name_is_no_text_are_looked_at()
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/ipset"), "needs ipset (Debian package ipset)");
        using var rules = NodeRules.Create();
        _ = rules.Space.Do("sh", "-s", "n=$(printf 'b\\351d\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351')\nipset create $n hash:ip\niptables -A FORWARD -m set --match-set $n dst -j DROP\n");
        using var followed = Followed.Start(rules);
        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();

        _ = rules.Space.Do("sh", "-s", "ipset add $(printf 'b\\351d\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351\\351') 10.244.2.9\n");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
    }

    /// <summary>Rules that were read last, and what is in their sets, before the agent has said what of it concerns pods.</summary>
    [Fact]
    public async Task What_changes_between_the_reading_of_rules_and_the_word_on_whom_they_concern_is_heard()
    {
        using var rules = NodeRules.Create().With("iptables -A FORWARD -s 10.0.0.1 -j ACCEPT\nnft add set ip filter bad { type ipv4_addr; }");
        // More than are read as a part of the rule.
        _ = rules.Space.Do("nft", "-f -", $"add element ip filter bad {{ {string.Join(", ", Enumerable.Range(0, 200).Select(static i => $"8.8.8.{i}"))} }}\n");
        using var followed = Followed.Start(rules);
        followed.Answers = false;
        rules.With("nft add rule ip filter FORWARD ip daddr @bad drop");
        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        rules.With("nft add element ip filter bad { 10.244.2.9 }");
        await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
        followed.Flushes.ShouldBe(1);

        followed.Answers = true;

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
    }

    /// <summary>The event names the device that came, and not those that the chain had.</summary>
    [Fact]
    public async Task A_device_that_a_chain_is_hung_at_later_is_heard_and_the_first_one_stays()
    {
        using var rules = NodeRules.Create().With(
            """
            ip link add veth1234abcd type veth peer name docker0
            nft add table netdev n
            nft add chain netdev n c { type filter hook ingress device docker0 priority 0; }
            nft add rule netdev n c limit rate over 5/second drop
            """);
        using var followed = Followed.Start(rules);
        NodeRules.Kept(followed.View).ShouldBeEmpty();

        NftBatch.HangAt(rules.Space, "n", "c", "veth1234abcd");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        NodeRules.Kept(followed.View).ShouldBe(["Flows: limit", "ShortConnections: limit"]);

        NftBatch.HangAt(rules.Space, "n", "c", "veth1234abcd", isGone: true);

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        NodeRules.Kept(followed.View).ShouldBeEmpty();
        rules.Space.Do("nft", "list ruleset").ShouldContain("docker0");
    }

    [Fact]
    public async Task Rules_of_a_chain_that_was_renamed_are_heard()
    {
        using var rules = NodeRules.Create().With(
            "iptables -A FORWARD -s 10.0.0.1 -j ACCEPT\nnft add chain ip filter mine\nnft add rule ip filter FORWARD ip protocol vmap { tcp : jump mine, udp : jump mine }\nnft add rule ip filter mine ip daddr 8.8.8.8 drop");
        using var followed = Followed.Start(rules);
        rules.With("nft rename chain ip filter mine other");
        var started = Stopwatch.GetTimestamp();

        rules.With("nft add rule ip filter other ip daddr 10.244.2.9 drop");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        // What only first packets meet is read again no sooner than after the pause.
        Stopwatch.GetElapsedTime(started).ShouldBeLessThan(HostRulesMonitor.Pause * 0.8);
    }

    /// <summary>The kernel gives names anew as soon as they are free.</summary>
    [Fact]
    public async Task A_rule_of_the_same_words_whose_own_set_holds_others_is_another_one()
    {
        using var rules = NodeRules.Create().With(
            "iptables -A FORWARD -s 10.0.0.1 -j ACCEPT\nnft add chain ip filter mine\nnft add rule ip filter FORWARD jump mine\nnft add rule ip filter mine ip daddr { 8.8.8.8, 9.9.9.9 } drop");
        using var followed = Followed.Start(rules);

        // In one transaction: between the two no list would show the first one gone.
        rules.With("printf 'flush chain ip filter mine\\nadd rule ip filter mine ip daddr { 10.244.2.9, 9.9.9.9 } drop\\n' | nft -f -");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
    }

    /// <summary>The kernel counts the changes of all tables with each list.</summary>
    [Fact]
    public async Task A_long_table_is_read_while_others_keep_changing()
    {
        using var rules = LongTable();
        using var followed = Followed.Start(rules);
        using var churn = new Churn(rules, "nft add table ip other\nnft add chain ip other c");

        rules.With("nft insert rule ip filter FORWARD ip daddr 10.244.2.9 limit rate over 5/second drop");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        NodeRules.Kept(followed.View).ShouldBe(["Flows: limit", "ShortConnections: limit"]);
    }

    [Fact]
    public async Task A_table_that_never_stands_still_counts_as_not_read_until_it_does()
    {
        using var rules = LongTable();
        using var followed = Followed.Start(rules);
        using (new Churn(rules, "nft add rule ip filter FORWARD ip daddr 8.8.8.8 counter"))
        {
            await followed.UntilAsync(static view => NodeRules.Kept(view).Contains("Flows: rules that are not read"), s_patience);
        }

        await followed.UntilAsync(static view => NodeRules.Kept(view).Count == 0, s_patience);
    }

    /// <summary>The kernel compares numbers.</summary>
    [Fact]
    public async Task A_device_that_rules_name_by_its_number_gets_another_name()
    {
        var name = "cni0";
        using var rules = NodeRules.Create().With("ip link add cni0 type bridge\nnft add table ip t\nnft add chain ip t f { type filter hook forward priority 0; }\nnft add rule ip t f iif cni0 limit rate over 50/second drop");
        using var followed = Followed.Start(rules, deviceName: _ => Volatile.Read(ref name));
        NodeRules.Kept(followed.View).ShouldContain("Flows: limit");

        Volatile.Write(ref name, "other0");
        followed.Monitor.LookAtDevices();

        await followed.UntilAsync(static view => NodeRules.Kept(view).Count == 0, s_patience);
    }

    /// <summary>A network plugin writes them before the pod's address is in the API.</summary>
    [Fact]
    public async Task An_element_that_came_before_the_pod_whose_packets_find_it_is_known_when_the_pod_is()
    {
        using var rules = NodeRules.Create().With(
            """
            nft add table ip qos
            nft add map ip qos pods { type ipv4_addr : verdict; }
            nft add chain ip qos limited
            nft add rule ip qos limited limit rate over 50/second drop
            nft add chain ip qos forward { type filter hook forward priority 0; }
            nft add rule ip qos forward ip saddr vmap @pods
            """);
        using var followed = Followed.Start(rules);
        rules.With("nft add element ip qos pods { 10.244.1.77 : goto limited }");
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        followed.Flushes.ShouldBe(0);
        followed.View.Regions.ShouldNotContain(static region => region.Reason.Contains("limit", StringComparison.Ordinal));
        var started = Stopwatch.GetTimestamp();

        followed.Ends = followed.Ends.Union(IntervalSet.Of(Ipv4Address.Parse("10.244.1.77").Value, Ipv4Address.Parse("10.244.1.77").Value));

        await followed.UntilAsync(static view => view.Regions.Any(static region => region.Reason.Contains("limit", StringComparison.Ordinal)), s_patience);
        Stopwatch.GetElapsedTime(started).ShouldBeLessThan(HostRulesMonitor.Pause * 0.8);
    }

    [Fact]
    public async Task Notifications_that_were_lost_are_made_good()
    {
        using var rules = NodeRules.Create().With("iptables -A FORWARD -s 10.0.0.1 -j ACCEPT");
        using var followed = Followed.Start(rules, receiveBuffer: 1);
        var many = string.Join('\n', Enumerable.Range(0, 2000).Select(static i => $"add rule ip filter FORWARD ip daddr 8.8.{i / 250}.{i % 250} drop"));

        _ = rules.Space.Do("nft", "-f -", many + "\nadd rule ip filter FORWARD ip daddr 10.244.2.9 drop\n");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        followed.Monitor.Resyncs.ShouldBeGreaterThan(0);
    }

    /// <summary>As kube-proxy has it: what begins in the tunnel looks into the same map, and as many elements come at once as are not looked at one by one.</summary>
    [Fact]
    public async Task Elements_of_a_map_that_no_pod_s_packets_find_flush_nobody_however_many_they_are()
    {
        using var rules = NodeRules.Create().With(
            """
            nft add table ip proxy
            nft add map ip proxy services { type ipv4_addr . inet_proto . inet_service : verdict; }
            nft add chain ip proxy check
            nft add rule ip proxy check ip daddr . meta l4proto . th dport vmap @services
            nft add chain ip proxy forward { type filter hook forward priority 0; }
            nft add rule ip proxy forward ct state new jump check
            nft add chain ip proxy output { type filter hook output priority 0; }
            nft add rule ip proxy output ct state new jump check
            """);
        using var followed = Followed.Start(rules);

        _ = rules.Space.Do("nft", "-f -", $"add element ip proxy services {{ {string.Join(", ", Enumerable.Range(0, 1000).Select(static i => $"10.96.{i / 250}.{i % 250} . tcp . 80 : drop"))} }}\n");
        rules.With("nft add element ip proxy services { 10.244.2.9 . tcp . 80 : drop }");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        followed.Flushes.ShouldBe(1);
    }

    /// <summary>What the kernel leaves out of a rule's octets is not what another rule had at that place.</summary>
    [Fact]
    public async Task A_legacy_rule_that_goes_from_before_others_is_no_change_of_these()
    {
        using var rules = NodeRules.Create().With(
            """
            iptables-legacy -N marking
            iptables-legacy -A FORWARD -d 8.8.8.8 -p udp -m udp --dport 53 -j REJECT
            iptables-legacy -A FORWARD -m conntrack --ctstate INVALID -j DROP
            iptables-legacy -A FORWARD -m comment --comment forwarding -j marking
            iptables-legacy -A marking -m mark --mark 1 -j ACCEPT
            iptables-legacy -A marking -p tcp -m multiport --dports 1,2,3 -j REJECT
            """);
        using var followed = Followed.Start(rules);

        rules.With("iptables-legacy -D FORWARD 1");
        await Task.Delay(HostRulesMonitor.Look * 1.5, TestContext.Current.CancellationToken);
        followed.Flushes.ShouldBe(0);
        rules.With("iptables-legacy -I marking -d 10.244.2.9 -j DROP");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
    }

    /// <summary>The second change comes while rules that keep changing are read less often.</summary>
    [Theory]
    [InlineData("iptables")]
    [InlineData("iptables-legacy")]
    public async Task Rules_that_first_packets_of_pods_meet_are_heard_among_others_and_again(string iptables)
    {
        using var rules = NodeRules.Create().With(string.Join('\n',
            ((string[])["10.0.0.1", "10.244.1.5 -d 10.244.2.7", "10.0.0.2"]).Select(source => $"{iptables} -t nat -A POSTROUTING -s {source} -j RETURN")));
        using var followed = Followed.Start(rules);

        rules.With($"{iptables} -t nat -R POSTROUTING 2 -s 10.244.1.5 -d 10.244.2.8 -j RETURN");
        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
        rules.With($"{iptables} -t nat -R POSTROUTING 2 -s 10.244.1.5 -d 10.244.2.9 -j RETURN");

        (await followed.ConcernedAsync(s_patience)).ShouldBeTrue();
    }

    /// <summary>kube-proxy's rules for a thousand Services, written anew again and again with changes of Services among them.</summary>
    [Theory]
    [InlineData("iptables-nft-restore")]
    [InlineData("iptables-legacy-restore")]
    public async Task A_service_proxy_that_writes_its_rules_anew_flushes_nobody(string restore)
    {
        const int Services = 1000, Times = 6;
        using var rules = NodeRules.Create();
        _ = rules.Space.Do(restore, "--noflush --counters", ProxyRules(Services));
        using var followed = Followed.Start(rules);
        var used = Process.GetCurrentProcess().TotalProcessorTime;

        for (var i = 0; i < Times; i++)
        {
            _ = rules.Space.Do(restore, "--noflush --counters", ProxyRules(Services + i % 2));
        }

        await Task.Delay(HostRulesMonitor.Pause + TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        followed.Flushes.ShouldBe(0);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Times} restores of {Services} Services: {(Process.GetCurrentProcess().TotalProcessorTime - used).TotalMilliseconds:F0} ms of this process");
    }

    [Fact]
    public void Five_thousand_rules_are_read_and_followed()
    {
        const int Rules = 5000;
        using var rules = NodeRules.Create().With("iptables -N many\niptables -A FORWARD -j many");
        _ = rules.Space.Do("iptables-nft-restore", "--noflush", $"*filter\n{string.Concat(Enumerable.Range(0, Rules).Select(static i => $"-A many -s 10.{i / 250}.{i % 250}.0/24 -p tcp --dport {1000 + i} -j ACCEPT\n"))}COMMIT\n");
        _ = rules.View();

        var before = GC.GetTotalMemory(forceFullCollection: true);
        var started = Stopwatch.GetTimestamp();
        var view = rules.View();
        var took = Stopwatch.GetElapsedTime(started);

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Rules} rules: {took.TotalMilliseconds:F0} ms, {(GC.GetTotalMemory(forceFullCollection: true) - before) / 1e6:F1} MB kept");
        view.Regions.ShouldBeEmpty();
    }

    [Fact]
    public void A_table_of_too_many_rules_is_not_read_and_keeps_all_that_may_meet_it_off_the_fast_path()
    {
        using var rules = NodeRules.Create().With("nft add table ip t\nnft add chain ip t f { type filter hook forward priority 0; }");
        var some = string.Concat(Enumerable.Repeat("add rule ip t f ip daddr 8.8.8.8 drop\n", 25_001));
        for (var i = 0; i < 4; i++)
        {
            _ = rules.Space.Do("nft", "-f -", some);
        }

        NodeRules.Kept(rules.View()).ShouldBe(["Flows: rules that are not read", "ShortConnections: rules that are not read"]);
    }

    private static NodeRules LongTable()
    {
        const int Rules = 20_000;
        var rules = NodeRules.Create().With("iptables -N many\niptables -A FORWARD -s 10.0.0.1 -j many");
        _ = rules.Space.Do("iptables-nft-restore", "--noflush", $"*filter\n{string.Concat(Enumerable.Range(0, Rules).Select(static i => $"-A many -s 10.{i / 250}.{i % 250}.0/24 -p tcp --dport {1000 + i} -j ACCEPT\n"))}COMMIT\n");
        return rules;
    }

    /// <summary>Changes rules without pause.</summary>
    private sealed class Churn : IDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Task churning;

        public Churn(NodeRules rules, string commands) => churning = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _ = rules.With(commands);
            }
        });

        public void Dispose()
        {
            stop.Cancel();
            churning.GetAwaiter().GetResult();
            stop.Dispose();
        }
    }

    /// <summary>Sets of each kind, each looked into by a rule that others follow. One has just as many elements as are read.</summary>
    private static readonly string MoreSets = $$"""
        nft add map ip filter services { type ipv4_addr . inet_proto . inet_service : verdict; }
        nft add rule ip filter FORWARD ip daddr . meta l4proto . th dport vmap @services
        nft add set ip filter nets { type ipv4_addr; flags interval; }
        nft add rule ip filter FORWARD ip daddr @nets drop
        nft add set ip filter full { type ipv4_addr; elements = { {{string.Join(", ", Enumerable.Range(1, 64).Select(static i => $"9.9.9.{i}"))}} } }
        nft add rule ip filter FORWARD ip daddr @full drop
        nft add set ip filter large { type ipv4_addr; elements = { {{string.Join(", ", Enumerable.Range(1, 100).Select(static i => $"9.9.9.{i}"))}} } }
        nft add rule ip filter FORWARD ip saddr @large drop
        nft add rule ip filter FORWARD ip daddr @large drop
        nft add rule ip filter FORWARD udp dport 4711 drop
        """;

    /// <summary>As kube-proxy writes it: chains of its own, written whole.</summary>
    private static string ProxyRules(int services)
    {
        var text = new StringBuilder("*filter\n:KUBE-SERVICES - [0:0]\n:KUBE-FORWARD - [0:0]\n");
        text.Append("-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-POSTROUTING - [0:0]\n");
        for (var i = 0; i < services; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $":KUBE-SVC-{i:D5} - [0:0]\n:KUBE-SEP-{i:D5}A - [0:0]\n:KUBE-SEP-{i:D5}B - [0:0]\n");
        }

        for (var i = 0; i < services; i++)
        {
            var pod = $"10.244.2.{i % 250}";
            text.Append(CultureInfo.InvariantCulture, $"-A KUBE-SERVICES -m comment --comment \"ns/s{i}:http cluster IP\" -m tcp -p tcp -d 10.96.{i / 250}.{i % 250} --dport 80 -j KUBE-SVC-{i:D5}\n");
            text.Append(CultureInfo.InvariantCulture, $"-A KUBE-SVC-{i:D5} -m statistic --mode random --probability 0.5000000000 -j KUBE-SEP-{i:D5}A\n-A KUBE-SVC-{i:D5} -j KUBE-SEP-{i:D5}B\n");
            text.Append(CultureInfo.InvariantCulture, $"-A KUBE-SEP-{i:D5}A -m tcp -p tcp -j DNAT --to-destination {pod}:8080\n-A KUBE-SEP-{i:D5}B -m tcp -p tcp -j DNAT --to-destination {pod}:8081\n");
        }

        return text.Append("COMMIT\n").ToString();
    }

    /// <summary>The agent's part of following: views, and whether they concern a pod.</summary>
    private sealed class Followed : IDisposable
    {
        private readonly SemaphoreSlim concerned = new(0);
        private readonly CancellationTokenSource stop = new();
        private readonly Task following;
        private int flushes;

        private Followed(HostRulesMonitor monitor)
        {
            Monitor = monitor;
            following = FollowAsync();
        }

        public HostRulesMonitor Monitor { get; }

        public HostRulesView View { get; private set; } = HostRulesView.Empty;

        /// <summary>Whether the agent says whom the rules concern. Set, it also says so of the last ones.</summary>
        public bool Answers
        {
            get;
            set
            {
                field = value;
                if (value)
                {
                    Monitor.Attention = View.AttentionOf(Ends);
                }
            }
        } = true;

        /// <summary>Who has flows. Set, the agent says so.</summary>
        public IntervalSet Ends
        {
            get;
            set
            {
                field = value;
                Monitor.Attention = View.AttentionOf(value);
            }
        } = IntervalSet.Of(NodeRules.Pod.Address.Value, NodeRules.Pod.Address.Value).Union(NodeRules.Peers);

        public int Flushes => Volatile.Read(ref flushes);

        public static Followed Start(NodeRules rules, int receiveBuffer = 1 << 24, Func<uint, string>? deviceName = null) =>
            new(rules.Space.Run(() => HostRulesMonitor.Start(deviceName ?? (static index => $"if{index}"), receiveBuffer)));

        public Task<bool> ConcernedAsync(TimeSpan patience) => concerned.WaitAsync(patience, TestContext.Current.CancellationToken);

        public async Task UntilAsync(Func<HostRulesView, bool> condition, TimeSpan patience)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(patience);
            while (!condition(View))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), limit.Token);
            }
        }

        public void Dispose()
        {
            stop.Cancel();
            following.GetAwaiter().GetResult();
            Monitor.Dispose();
            stop.Dispose();
            concerned.Dispose();
        }

        private async Task FollowAsync()
        {
            View = HostRulesView.Empty.Next(Monitor.Current, [], NodeRules.Devices, NodeRules.Outer).View;
            Monitor.Attention = View.AttentionOf(Ends);
            try
            {
                await foreach (var change in Monitor.Changes.ReadAllAsync(stop.Token))
                {
                    (View, var changed) = View.Next(change.State, change.Sets, NodeRules.Devices, NodeRules.Outer);
                    if (Answers)
                    {
                        Monitor.Attention = View.AttentionOf(Ends);
                    }

                    if (changed.Any(static rule => RegionPlan.Concerns(rule.Packets, NodeRules.Pod, NodeRules.Peers)))
                    {
                        Interlocked.Increment(ref flushes);
                        concerned.Release();
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // Stopped.
            }
        }
    }
}
