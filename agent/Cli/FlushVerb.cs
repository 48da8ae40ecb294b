using System.CommandLine;
using OnCache.Agent.Telemetry;
using OnCache.Kubernetes.Cli;

namespace OnCache.Agent.Cli;

/// <summary><c>oncache-agent flush</c>: sends flows back under the CNI's verdict.</summary>
internal static class FlushVerb
{
    public static Command Create(Streams streams)
    {
        var socket = AgentOptions.Socket();
        var endpoint = AgentOptions.Endpoint();
        var all = AgentOptions.All();
        var command = new Command("flush", "forget cached flows; they are learned again under the CNI's present verdict") { socket, endpoint, all };
        command.Validators.Add(result =>
        {
            if (result.GetValue(all) == (result.GetValue(endpoint) is not null))
            {
                result.AddError("flush: use either --endpoint NAMESPACE/NAME or --all");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new AgentClient(parsed.GetRequiredValue(socket));
            var request = parsed.GetValue(endpoint) is { } one ? FlushRequest.Of(one) : FlushRequest.Everything;
            var outcome = await client.FlushAsync(request, cancellationToken);
            await streams.Output.WriteLineAsync(
                $"flushed {outcome.Endpoints} endpoint{(outcome.Endpoints == 1 ? "" : "s")} in {outcome.DurationMicroseconds:0} us");
            return ExitStatus.Success;
        });
        return command;
    }
}
