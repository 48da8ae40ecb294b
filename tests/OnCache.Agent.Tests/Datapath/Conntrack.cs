using System.Diagnostics;
using System.Globalization;

using OnCache.Agent.Tests.Datapath.Cases;
using OnCache.Agent.Tests.Datapath.Packets;
using OnCache.Agent.Tests.Net;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>The kernel's conntrack of one network namespace: by conntrack(8) what is rare, by messages of our own what every case needs.</summary>
internal sealed class Conntrack(TestNamespace space)
{
    private const string Tool = "/usr/sbin/conntrack";

    public static void Require() => Assert.SkipUnless(File.Exists(Tool), "needs conntrack (Debian package conntrack)");

    public void Insert(ConntrackEntry entry)
    {
        if (entry is { Protocol: CaseProtocol.Udp or CaseProtocol.Tcp, DestinationNat: null, SourceNat: null })
        {
            space.Run(() => ConntrackMessages.Insert(entry));
        }
        else
        {
            Execute(Arguments(entry));
        }

        if (entry.Helper)
        {
            space.Run(() => ConntrackMessages.SetStatus(entry, ConntrackMessages.Confirmed | ConntrackMessages.SeenReply | ConntrackMessages.Helper));
        }
    }

    /// <summary>Removes every entry.</summary>
    public void Clear() => space.Run(ConntrackMessages.Clear);

    /// <summary>Seconds that the entry has left; null when there is none.</summary>
    public int? TimeoutOf(ConntrackEntry entry)
    {
        var listed = Execute("-L", "-p", ProtocolName(entry.Protocol), "-s", Ip(entry.From), "--sport", Port(entry.FromPort));
        var line = listed.Split('\n').FirstOrDefault(text => text.Contains($"src={Ip(entry.From)} ", StringComparison.Ordinal));
        return line is null ? null : int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture);
    }

    private static string[] Arguments(ConntrackEntry entry)
    {
        List<string> arguments =
        [
            "-I", "-p", ProtocolName(entry.Protocol), "-t", entry.Timeout.ToString(CultureInfo.InvariantCulture),
            "-s", Ip(entry.From), "-d", Ip(entry.To),
        ];
        if (entry.Protocol == CaseProtocol.Icmp)
        {
            arguments.AddRange(["--icmp-type", "8", "--icmp-code", "0", "--icmp-id", Port(entry.FromPort)]);
        }
        else
        {
            arguments.AddRange(["--sport", Port(entry.FromPort), "--dport", Port(entry.ToPort)]);
        }

        if (entry.Protocol == CaseProtocol.Tcp)
        {
            arguments.AddRange(["--state", entry.State]);
        }

        if (entry.SeenReply)
        {
            arguments.AddRange(["-u", "SEEN_REPLY"]);
        }

        if (entry.DestinationNat is { } destination)
        {
            arguments.AddRange(["--dst-nat", $"{Ip(destination)}:{Port(entry.DestinationNatPort)}"]);
        }

        if (entry.SourceNat is { } source)
        {
            arguments.AddRange(["--src-nat", Ip(source)]);
        }

        return [.. arguments];
    }

    private static string Ip(string name) => WellKnown.Ip(name).ToString();

    private static string Port(ushort port) => port.ToString(CultureInfo.InvariantCulture);

    private static string ProtocolName(CaseProtocol protocol) => protocol switch
    {
        CaseProtocol.Icmp => "icmp",
        CaseProtocol.Tcp => "tcp",
        _ => "udp",
    };

    private string Execute(params string[] arguments) => space.Run(() =>
    {
        using var process = Process.Start(new ProcessStartInfo(Tool, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException($"{Tool} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException(
                $"conntrack {string.Join(' ', arguments)}: exit code {process.ExitCode}: {errors.Result}");
    });
}
