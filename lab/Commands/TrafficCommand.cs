using System.CommandLine;
using System.Net;
using System.Text.Json;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Commands;

internal static class TrafficCommand
{
    private const int DefaultPort = 7000;
    private const double DefaultSeconds = 1;

    public static Command Create() => new("traffic", "Generate and measure traffic from where this runs") { Server(), Run() };

    private static Command Server()
    {
        var bind = Address("--bind", "Address to listen on");
        var port = LabArguments.Number("--port", "Control port to listen on", DefaultPort);
        var command = new Command("server", "Answer clients until interrupted") { bind, port };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var number = parsed.GetValue(port);
            if (number is < 0 or > 65535)
            {
                throw new LabOptionException("port", number, "in 0..65535");
            }

            using var server = TrafficServer.Listen(parsed.GetValue(bind)!, number);
            Console.WriteLine($"listening on {parsed.GetValue(bind)}:{server.Port}");
            var serving = new Thread(server.Serve) { IsBackground = true, Name = "traffic server" };
            serving.Start();
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var interruption = cancellationToken.Register(() => ended.TrySetResult());
            await ended.Task;
            return 0;
        });
        return command;
    }

    private static Command Run()
    {
        var kind = new Option<TrafficKind>("--kind")
        {
            Description = string.Join(", ", TrafficKinds.ByName.Keys),
            Required = true,
            CustomParser = result =>
            {
                var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                if (!TrafficKinds.ByName.TryGetValue(text, out var found))
                {
                    result.AddError($"kind: '{text}' is not one of {string.Join(", ", TrafficKinds.ByName.Keys)}");
                }

                return found;
            },
        };
        var to = Address("--to", "Address of the server");
        var port = LabArguments.Number("--port", "Control port of the server", DefaultPort);
        var seconds = LabArguments.Real("--seconds", $"Measured time, {DefaultSeconds} by default");
        var core = new Option<int?>("--core") { Description = "Core for both sides; without it they run where the scheduler puts them" };
        var size = new Option<int?>("--size") { Description = "Payload bytes of one message" };
        var command = new Command("run", "Run traffic against a server and print one JSON object") { kind, to, port, seconds, core, size };
        command.SetAction(parsed =>
        {
            var result = TrafficClient.Run(new TrafficRequest
            {
                Kind = parsed.GetValue(kind),
                To = parsed.GetValue(to)!,
                Port = parsed.GetValue(port),
                Seconds = parsed.GetValue(seconds) ?? DefaultSeconds,
                Core = parsed.GetValue(core),
                Size = parsed.GetValue(size),
            });
            Console.WriteLine(JsonSerializer.Serialize(result, TrafficJson.Default.TrafficResult));
            return 0;
        });
        return command;
    }

    private static Option<IPAddress> Address(string name, string description) => new(name)
    {
        Description = description,
        Required = true,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (!IPAddress.TryParse(text, out var address) || address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork)
            {
                result.AddError($"{name[2..]}: '{text}' is not an IPv4 address");
            }

            return address;
        },
    };
}
