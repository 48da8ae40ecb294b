using System.Net.Sockets;

namespace OnCache.Agent.Telemetry;

/// <summary>The file of a Unix socket.</summary>
internal static class SocketFile
{
    /// <summary>The longest path that fits <c>sun_path</c> with its final zero, in bytes.</summary>
    public const int MaximumPathBytes = 107;

    private const int NoSuchDeviceOrAddress = 6;

    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the path free to bind: creates its folder for the owner alone, removes a socket that nobody answers on.</summary>
    /// <exception cref="SocketUnavailableException">Somebody answers there, or the path is something else.</exception>
    public static void Prepare(string path)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!, Owner | UnixFileMode.UserExecute);
        if (Answers(path))
        {
            throw new SocketUnavailableException($"an agent already answers on {path}; stop it or choose another --socket");
        }

        if (Path.Exists(path))
        {
            if (!IsSocket(path))
            {
                throw new SocketUnavailableException($"{path} is not a socket; remove it or choose another --socket");
            }

            File.Delete(path);
        }
    }

    /// <summary>Lets only the owner connect.</summary>
    public static void Restrict(string path) => File.SetUnixFileMode(path, Owner);

    private static bool Answers(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // Connecting is refused by a stale socket and by any other file alike; only a socket cannot be opened for want of a device (open(2): ENXIO).
    private static bool IsSocket(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
            return false;
        }
        catch (IOException failure)
        {
            return failure.HResult == NoSuchDeviceOrAddress;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}

/// <summary>The agent's socket cannot be bound.</summary>
internal sealed class SocketUnavailableException(string message) : Exception(message);
