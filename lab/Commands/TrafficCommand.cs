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
        var kind = new Option<IReadOnlyList<TrafficKind>>("--kind")
        {
            Description = $"{string.Join(", ", TrafficKinds.ByName.Keys)}; several, separated by commas, run one after the other",
            Required = true,
            CustomParser = result =>
            {
                var words = result.Tokens.Count == 1 ? result.Tokens[0].Value.Split(',') : [""];
                if (words.FirstOrDefault(word => !TrafficKinds.ByName.ContainsKey(word)) is { } unknown)
                {
                    result.AddError($"kind: '{unknown}' is not one of {string.Join(", ", TrafficKinds.ByName.Keys)}");
                    return [];
                }

                return [.. words.Select(word => TrafficKinds.ByName[word])];
            },
        };
        var to = Address("--to", "Address of the server");
        var port = LabArguments.Number("--port", "Control port of the server", DefaultPort);
        var seconds = LabArguments.Real("--seconds", $"Measured time, {DefaultSeconds} by default");
        var core = new Option<int?>("--core") { Description = "Core for both sides; without it they run where the scheduler puts them" };
        var size = new Option<int?>("--size") { Description = "Payload bytes of one message" };
        var rate = new Option<int?>("--rate") { Description = "Transactions a second at most, for the request/response kinds; as fast as it goes when left out" };
        var command = new Command("run", "Run traffic against a server and print one JSON object for each kind") { kind, to, port, seconds, core, size, rate };
        command.SetAction(parsed =>
        {
            foreach (var one in parsed.GetValue(kind)!)
            {
                var result = TrafficClient.Run(new TrafficRequest
                {
                    Kind = one,
                    To = parsed.GetValue(to)!,
                    Port = parsed.GetValue(port),
                    Seconds = parsed.GetValue(seconds) ?? DefaultSeconds,
                    Core = parsed.GetValue(core),
                    Size = parsed.GetValue(size),
                    Rate = parsed.GetValue(rate),
                });
                Console.WriteLine(JsonSerializer.Serialize(result, TrafficJson.Default.TrafficResult));
            }

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
